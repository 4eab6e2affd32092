namespace Pharos.Collector.Discovery;

/// <summary>Who asks: a user with a password, or an application credential.</summary>
internal sealed record OpenStackIdentity
{
    public string Username { get; init; } = "";
    public string UserId { get; init; } = "";
    public string Password { get; init; } = "";
    public string DomainName { get; init; } = "";
    public string DomainId { get; init; } = "";
    public string ProjectName { get; init; } = "";
    public string ProjectId { get; init; } = "";
    public string ApplicationCredentialName { get; init; } = "";
    public string ApplicationCredentialId { get; init; } = "";
    public string ApplicationCredentialSecret { get; init; } = "";

    public static OpenStackIdentity Read(IDiscoverySection section) => new()
    {
        Username = section.Text("username"),
        UserId = section.Text("userid"),
        Password = section.Secret("password"),
        DomainName = section.Text("domain_name"),
        DomainId = section.Text("domain_id"),
        ProjectName = section.Text("project_name"),
        ProjectId = section.Text("project_id"),
        ApplicationCredentialName = section.Text("application_credential_name"),
        ApplicationCredentialId = section.Text("application_credential_id"),
        ApplicationCredentialSecret = section.Secret("application_credential_secret"),
    };

    /// <summary>From the variables that OpenStack's own tools read.</summary>
    public static OpenStackIdentity OfEnvironment(Func<string, string?> environment)
    {
        string Get(params string[] names) => names.Select(environment).FirstOrDefault(v => !string.IsNullOrEmpty(v)) ?? "";

        return new OpenStackIdentity
        {
            Username = Get("OS_USERNAME"),
            UserId = Get("OS_USERID", "OS_USER_ID"),
            Password = Get("OS_PASSWORD"),
            DomainName = Get("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME"),
            DomainId = Get("OS_USER_DOMAIN_ID", "OS_DOMAIN_ID"),
            ProjectName = Get("OS_PROJECT_NAME", "OS_TENANT_NAME"),
            ProjectId = Get("OS_PROJECT_ID", "OS_TENANT_ID"),
            ApplicationCredentialName = Get("OS_APPLICATION_CREDENTIAL_NAME"),
            ApplicationCredentialId = Get("OS_APPLICATION_CREDENTIAL_ID"),
            ApplicationCredentialSecret = Get("OS_APPLICATION_CREDENTIAL_SECRET"),
        };
    }

    /// <summary>The body of a request for a token, version 3.</summary>
    public object Request()
    {
        var domain = Part(("id", DomainId), ("name", DomainId.Length > 0 ? "" : DomainName));
        if (ApplicationCredentialSecret.Length > 0)
        {
            var credential = Part(("id", ApplicationCredentialId), ("name", ApplicationCredentialName), ("secret", ApplicationCredentialSecret));
            if (ApplicationCredentialId.Length == 0) credential["user"] = User(domain, password: false);
            return new { auth = new { identity = new { methods = new[] { "application_credential" }, application_credential = credential } } };
        }
        var identity = new { methods = new[] { "password" }, password = new { user = User(domain, password: true) } };
        if (ProjectId.Length > 0) return new { auth = new { identity, scope = new { project = Part(("id", ProjectId)) } } };
        if (ProjectName.Length == 0) return new { auth = new { identity } };
        var project = Part(("name", ProjectName));
        if (domain.Count > 0) project["domain"] = domain;
        return new { auth = new { identity, scope = new { project } } };
    }

    private Dictionary<string, object> User(Dictionary<string, object> domain, bool password)
    {
        var user = Part(("id", UserId), ("name", UserId.Length > 0 ? "" : Username), ("password", password ? Password : ""));
        if (UserId.Length == 0 && domain.Count > 0) user["domain"] = domain;
        return user;
    }

    private static Dictionary<string, object> Part(params (string Name, string Value)[] values) => values.Where(v => v.Value.Length > 0).ToDictionary(v => v.Name, v => (object)v.Value);

    /// <summary>Never shows a secret.</summary>
    public override string ToString() => $"user {Username}{UserId}, project {ProjectName}{ProjectId}";
}
