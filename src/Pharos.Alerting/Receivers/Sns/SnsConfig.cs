using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>sns_configs</c>.</summary>
internal sealed record SnsConfig : IntegrationConfig
{
    public string ApiUrl { get; init; } = "";
    public string TopicArn { get; init; } = "";
    public string TargetArn { get; init; } = "";
    public string PhoneNumber { get; init; } = "";
    public string Subject { get; init; } = "";
    public string Message { get; init; } = "";
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();
    public string Region { get; init; } = "";
    public SecretSource? AccessKey { get; init; }
    public SecretSource? SecretKey { get; init; }

    public static SnsConfig Read(YamlSection s, GlobalConfig global)
    {
        string topic = s.Text("topic_arn"), target = s.Text("target_arn"), phone = s.Text("phone_number");
        int ways = (topic.Length > 0 ? 1 : 0) + (target.Length > 0 ? 1 : 0) + (phone.Length > 0 ? 1 : 0);
        if (ways != 1) s.ErrorHere("must provide either a Target ARN, Topic ARN, or Phone Number for SNS config");
        var config = new SnsConfig
        {
            Kind = "sns",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            ApiUrl = s.Text("api_url"),
            TopicArn = topic,
            TargetArn = target,
            PhoneNumber = phone,
            Subject = s.Text("subject", "{{ template \"sns.default.subject\" . }}"),
            Message = s.Text("message", "{{ template \"sns.default.message\" . }}"),
            Attributes = s.TextMap("attributes"),
        };
        if (!s.Reading.FilesAllowed && s.Section("sigv4")?.Has("access_key") != true)
            s.ErrorHere("sns_configs of a tenant need sigv4.access_key and secret_key: the server's own credentials are not theirs");
        if (s.Section("sigv4") is not { } sigv4) return config;
        config = config with { Region = sigv4.Text("region"), AccessKey = Key(sigv4, "access_key"), SecretKey = Key(sigv4, "secret_key") };
        if ((config.AccessKey is null) != (config.SecretKey is null)) sigv4.ErrorHere("must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SNS config");
        foreach (string key in (string[])["profile", "role_arn", "external_id", "use_fips_sts_endpoint"])
        {
            if (sigv4.Has(key)) sigv4.Error(key, $"sigv4.{key} is not supported", "give access_key and secret_key, or the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
        }
        sigv4.Done();
        return config;
    }

    public override INotifier Create(NotifierTools tools) => new SnsNotifier(this, tools);

    private static SecretSource? Key(YamlSection s, string key) => s.SecretOrNull(key) is { Length: > 0 } value ? new SecretSource(value, null) : null;
}
