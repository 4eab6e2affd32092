using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Pharos.Collector.Http;
using Pharos.Wire.Signing;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Signed calls to services of AWS. Credentials and region come from the configuration, the environment, the shared files, the container
/// or the instance, in this order; temporary ones are renewed.
/// </summary>
internal sealed class AwsClient : IAsyncDisposable
{
    private const string Metadata = "http://169.254.169.254/latest/";

    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    private readonly string mainService;
    private readonly AwsAccess access;
    private readonly TimeProvider time;
    private readonly DiscoveryHttp http;
    private readonly DiscoveryHttp own;
    private readonly Func<string, string?> environment;
    private readonly IReadOnlyDictionary<string, string> profile;
    private AwsCredentials? credentials;
    private string region;

    /// <param name="mainService">The service to which a configured endpoint belongs; others are asked where they are.</param>
    /// <param name="environment">A variable of the environment; null where it is not set.</param>
    public AwsClient(string mainService, AwsAccess access, HttpClientOptions client, TimeSpan timeout, DiscoveryContext context, Func<string, string?>? environment = null)
    {
        this.mainService = mainService;
        this.access = access;
        this.environment = environment ?? Environment.GetEnvironmentVariable;
        time = context.Time;
        http = new DiscoveryHttp(context, client, timeout);
        // What the machine itself tells is not asked through proxies, and with no credentials.
        own = new DiscoveryHttp(context, HttpClientOptions.Default, TimeSpan.FromSeconds(5));
        profile = AwsProfiles.Read(
            access.Profile.Length > 0 ? access.Profile : this.environment("AWS_PROFILE") ?? "default", this.environment("HOME") ?? "/", this.environment);
        region = access.Region;
    }

    public async ValueTask DisposeAsync()
    {
        await http.DisposeAsync();
        await own.DisposeAsync();
    }

    /// <exception cref="DiscoveryException">Nothing tells the region.</exception>
    public async Task<string> RegionAsync(CancellationToken cancel)
    {
        if (region.Length > 0) return region;
        region = environment("AWS_REGION") ?? environment("AWS_DEFAULT_REGION") ?? profile.GetValueOrDefault("region", "");
        if (region.Length > 0) return region;
        try
        {
            return region = (await MetadataAsync("meta-data/placement/region", cancel)).Trim();
        }
        catch (HttpRequestException e)
        {
            throw new DiscoveryException($"the AWS region is not known (set region): {e.Message}", e);
        }
    }

    /// <summary>A call in AWS's query form, answered with XML, without namespaces.</summary>
    public async Task<XElement> QueryAsync(string service, string version, string action, IEnumerable<(string Name, string Value)> parameters, CancellationToken cancel)
    {
        string form = string.Join('&', parameters.Prepend(("Version", version)).Prepend(("Action", action)).Select(p => $"{Uri.EscapeDataString(p.Item1)}={Uri.EscapeDataString(p.Item2)}"));
        using var response = await SendAsync(service, HttpMethod.Post, "/", form, "application/x-www-form-urlencoded; charset=utf-8", null, cancel);
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        using var reader = XmlReader.Create(body, new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
        var root = XElement.Load(reader);
        foreach (var element in root.DescendantsAndSelf()) element.Name = element.Name.LocalName;
        return root;
    }

    /// <summary>A call in AWS's JSON form.</summary>
    /// <param name="target">Interface and version before the action's name.</param>
    public async Task<JsonElement> CallAsync(string service, string target, object arguments, CancellationToken cancel)
    {
        using var response = await SendAsync(service, HttpMethod.Post, "/", JsonSerializer.Serialize(arguments), "application/x-amz-json-1.1", target, cancel);
        return await JsonAsync(response, cancel);
    }

    /// <summary>A GET of a REST service.</summary>
    public async Task<JsonElement> GetAsync(string service, string path, CancellationToken cancel)
    {
        using var response = await SendAsync(service, HttpMethod.Get, path, "", "", null, cancel);
        return await JsonAsync(response, cancel);
    }

    /// <summary>Signs a request of any service.</summary>
    /// <param name="body">The bytes of its content.</param>
    public async Task SignAsync(string service, HttpRequestMessage request, byte[] body, CancellationToken cancel)
    {
        string at = await RegionAsync(cancel);
        var who = await CredentialsAsync(cancel);
        new SignatureV4(at, service).Sign(request, body, who, time.GetUtcNow());
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancel));
        return document.RootElement.Clone();
    }

    private async Task<HttpResponseMessage> SendAsync(string service, HttpMethod method, string path, string body, string contentType, string? target, CancellationToken cancel)
    {
        string at = await RegionAsync(cancel);
        string root = access.Endpoint.Length > 0 && service == mainService ? access.Endpoint.Contains("://", StringComparison.Ordinal) ? access.Endpoint : "https://" + access.Endpoint
            : $"https://{service}.{at}.amazonaws.com{(at.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}";
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        using var request = DiscoveryHttp.Request(method, root + path);
        if (bytes.Length > 0)
        {
            request.Content = new ByteArrayContent(bytes);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        if (target is not null) request.Headers.TryAddWithoutValidation("X-Amz-Target", target);
        var who = service == "sts" ? await BaseCredentialsAsync(cancel) : await CredentialsAsync(cancel);
        new SignatureV4(at, service).Sign(request, bytes, who, time.GetUtcNow());
        return await http.AnswerAsync(request, cancel);
    }

    private async Task<AwsCredentials> CredentialsAsync(CancellationToken cancel)
    {
        if (credentials is not null && (credentials.Expires is null || time.GetUtcNow() + Margin < credentials.Expires)) return credentials;
        string role = access.RoleArn.Length > 0 ? access.RoleArn : access.AccessKey.Length > 0 ? "" : profile.GetValueOrDefault("role_arn", "");
        return credentials = role.Length == 0 ? await BaseCredentialsAsync(cancel) : await AssumeAsync(role, cancel);
    }

    private async Task<AwsCredentials> AssumeAsync(string role, CancellationToken cancel)
    {
        var parameters = new List<(string, string)> { ("RoleArn", role), ("RoleSessionName", $"pharos-{time.GetUtcNow().ToUnixTimeSeconds()}") };
        if (access.ExternalId.Length > 0) parameters.Add(("ExternalId", access.ExternalId));
        return FromSts(await QueryAsync("sts", "2011-06-15", "AssumeRole", parameters, cancel));
    }

    private static AwsCredentials FromSts(XElement answer)
    {
        var given = answer.Descendants("Credentials").FirstOrDefault() ?? throw new FormatException("the token service gave no credentials");
        return new AwsCredentials(Text("AccessKeyId"), Text("SecretAccessKey"), Text("SessionToken"), Time(Text("Expiration")));

        string Text(string name) => given.Element(name)?.Value ?? "";
    }

    private async Task<AwsCredentials> BaseCredentialsAsync(CancellationToken cancel)
    {
        if (access.AccessKey.Length > 0 && access.SecretKey.Length > 0) return new AwsCredentials(access.AccessKey, access.SecretKey);
        if (access.Profile.Length == 0 && environment("AWS_ACCESS_KEY_ID") is { Length: > 0 } key && environment("AWS_SECRET_ACCESS_KEY") is { Length: > 0 } secret)
            return new AwsCredentials(key, secret, environment("AWS_SESSION_TOKEN") ?? "");
        if (profile.TryGetValue("aws_access_key_id", out string? profileKey) && profile.TryGetValue("aws_secret_access_key", out string? profileSecret))
            return new AwsCredentials(profileKey, profileSecret, profile.GetValueOrDefault("aws_session_token", ""));
        if (environment("AWS_WEB_IDENTITY_TOKEN_FILE") is { Length: > 0 } tokenFile && environment("AWS_ROLE_ARN") is { Length: > 0 } role) return await WebIdentityAsync(tokenFile, role, cancel);
        if ((environment("AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? (environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is { } relative ? "http://169.254.170.2" + relative : null)) is { } container)
            return await FromContainerAsync(container, cancel);
        try
        {
            string name = (await MetadataAsync("meta-data/iam/security-credentials/", cancel)).Trim();
            return FromJson(await MetadataAsync("meta-data/iam/security-credentials/" + name, cancel));
        }
        catch (HttpRequestException e)
        {
            throw new DiscoveryException($"there are no AWS credentials (set access_key and secret_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile): {e.Message}", e);
        }
    }

    /// <summary>A pod's service account changes its token for credentials; that call is not signed.</summary>
    private async Task<AwsCredentials> WebIdentityAsync(string tokenFile, string role, CancellationToken cancel)
    {
        string token = (await File.ReadAllTextAsync(tokenFile, cancel)).Trim();
        string session = environment("AWS_ROLE_SESSION_NAME") ?? $"pharos-{time.GetUtcNow().ToUnixTimeSeconds()}";
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://sts.{await RegionAsync(cancel)}.amazonaws.com/")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["Action"] = "AssumeRoleWithWebIdentity", ["Version"] = "2011-06-15", ["RoleArn"] = role, ["RoleSessionName"] = session, ["WebIdentityToken"] = token,
            }),
        };
        using var response = await http.AnswerAsync(request, cancel);
        var root = XElement.Parse(await response.Content.ReadAsStringAsync(cancel));
        foreach (var element in root.DescendantsAndSelf()) element.Name = element.Name.LocalName;
        return FromSts(root);
    }

    private async Task<AwsCredentials> FromContainerAsync(string url, CancellationToken cancel)
    {
        string token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") is { Length: > 0 } file ? (await File.ReadAllTextAsync(file, cancel)).Trim() : environment("AWS_CONTAINER_AUTHORIZATION_TOKEN") ?? "";
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (token.Length > 0) request.Headers.TryAddWithoutValidation("Authorization", token);
        using var response = await own.AnswerAsync(request, cancel);
        return FromJson(await response.Content.ReadAsStringAsync(cancel));
    }

    /// <summary>Version 2 of the instance's metadata service: a session first.</summary>
    private async Task<string> MetadataAsync(string path, CancellationToken cancel)
    {
        using var session = new HttpRequestMessage(HttpMethod.Put, Metadata + "api/token");
        session.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token-ttl-seconds", "60");
        using var opened = await own.AnswerAsync(session, cancel);
        using var request = new HttpRequestMessage(HttpMethod.Get, Metadata + path);
        request.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token", await opened.Content.ReadAsStringAsync(cancel));
        using var response = await own.AnswerAsync(request, cancel);
        return await response.Content.ReadAsStringAsync(cancel);
    }

    private static AwsCredentials FromJson(string text)
    {
        using var document = JsonDocument.Parse(text);
        var root = document.RootElement;
        return new AwsCredentials(root.Text("AccessKeyId"), root.Text("SecretAccessKey"), root.Text("Token"), Time(root.Text("Expiration")));
    }

    private static DateTimeOffset? Time(string text) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
