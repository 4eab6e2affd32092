using System.Text;
using Pharos.Wire.Signing;

namespace Pharos.Alerting;

/// <summary>Publishes to Amazon SNS by its query API, signed with Signature Version 4.</summary>
internal sealed class SnsNotifier(SnsConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int MessageBytesMax = 256 * 1024;
    private const int SmsCharsMax = 1600;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string topic = render.Text(config.TopicArn), target = render.Text(config.TargetArn), phone = render.Text(config.PhoneNumber);
        var form = new List<(string Name, string Value)> { ("Action", "Publish"), ("Version", "2010-03-31") };
        if (topic.Length > 0) form.Add(("TopicArn", topic));
        if (target.Length > 0) form.Add(("TargetArn", target));
        if (phone.Length > 0) form.Add(("PhoneNumber", phone));
        string subject = render.Text(config.Subject);
        if (subject.Length > 0) form.Add(("Subject", Limits.Runes(subject, 100)));
        string message = render.Text(config.Message), whole = message;
        message = phone.Length > 0 ? Limits.Runes(message, SmsCharsMax) : Limits.Bytes(message, MessageBytesMax);
        form.Add(("Message", message));
        var attributes = config.Attributes.Select(a => (Name: render.Text(a.Key), Value: render.Text(a.Value))).ToList();
        if (message.Length != whole.Length) attributes.Add(("truncated", "true"));
        int i = 1;
        foreach (var (name, value) in attributes)
        {
            form.Add(($"MessageAttributes.entry.{i}.Name", name));
            form.Add(($"MessageAttributes.entry.{i}.Value.DataType", "String"));
            form.Add(($"MessageAttributes.entry.{i++}.Value.StringValue", value));
        }
        if (topic.EndsWith(".fifo", StringComparison.Ordinal))
        {
            form.Add(("MessageDeduplicationId", n.GroupHash));
            form.Add(("MessageGroupId", n.GroupHash));
        }
        string body = string.Join('&', form.Select(f => $"{Escape(f.Name)}={Escape(f.Value)}"));
        n.SentBody = body;
        string region = config.Region.Length > 0 ? config.Region : Environment.GetEnvironmentVariable("AWS_REGION") ?? ArnRegion(topic.Length > 0 ? topic : target);
        if (region.Length == 0) throw new NotifyException("no AWS region: set sigv4.region or AWS_REGION");
        string url = render.Text(config.ApiUrl);
        if (url.Length == 0) url = $"https://sns.{region}.amazonaws.com/";
        var content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded");
        var headers = await SignAsync(new Uri(url), region, body, content.Headers.ContentType!.ToString(), cancel);
        return (await http.SendAsync(HttpMethod.Post, url, content, cancel, headers)).ToResult(429);
    }

    private async Task<(string, string)[]> SignAsync(Uri url, string region, string body, string contentType, CancellationToken cancel)
    {
        string access = config.AccessKey is null ? Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") ?? "" : await config.AccessKey.ReadAsync(cancel);
        string secret = config.SecretKey is null ? Environment.GetEnvironmentVariable("AWS_SECRET_ACCESS_KEY") ?? "" : await config.SecretKey.ReadAsync(cancel);
        if (access.Length == 0 || secret.Length == 0) throw new NotifyException("no AWS credentials: set sigv4.access_key and sigv4.secret_key", reason: FailureReason.AuthError);
        string token = config.AccessKey is null ? Environment.GetEnvironmentVariable("AWS_SESSION_TOKEN") ?? "" : "";
        return [.. new SignatureV4(region, "sns").Sign("POST", url, [("Content-Type", contentType)], Encoding.UTF8.GetBytes(body), new AwsCredentials(access, secret, token), Tools.Time.GetUtcNow())];
    }

    private static string ArnRegion(string arn) => arn.Split(':') is { Length: > 3 } parts ? parts[3] : "";

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
