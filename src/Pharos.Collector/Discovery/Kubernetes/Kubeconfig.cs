using System.Text;
using Pharos.Collector.Evaluation;

namespace Pharos.Collector.Discovery;

/// <summary>Reads kubeconfig files: the server and the user of the current context. Users by token, certificate or password.</summary>
internal static class Kubeconfig
{
    /// <exception cref="DiscoveryException">The file is no kubeconfig, or its user needs a program that is not run here.</exception>
    public static KubernetesAccess Read(string text, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? ".";
        ObjectValue root;
        try
        {
            root = Structured.FromYaml(text) as ObjectValue ?? throw new DiscoveryException($"{path} is not a kubeconfig file");
        }
        catch (FunctionException bad)
        {
            throw new DiscoveryException($"{path}: {bad.Message}", bad);
        }
        var context = Named(root, "contexts", Text(root, "current-context"), "context", path);
        var cluster = Named(root, "clusters", Text(context, "cluster"), "cluster", path);
        var user = Named(root, "users", Text(context, "user"), "user", path);
        foreach (string key in (string[])["exec", "auth-provider"])
        {
            if (user[key] is ObjectValue) throw new DiscoveryException($"{path}: users by {key} are not supported; give a token, a token file or a client certificate");
        }
        if (!Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server)) throw new DiscoveryException($"{path}: the cluster has no server");
        string token = Text(user, "token"), tokenFile = Resolve(Text(user, "tokenFile"));
        return new KubernetesAccess(
            server,
            HttpClientOptions.Default with
            {
                ProxyUrl = Uri.TryCreate(Text(cluster, "proxy-url"), UriKind.Absolute, out var proxy) ? proxy : null,
                BasicAuth = Text(user, "username").Length > 0 ? new BasicAuthOptions(Text(user, "username"), Text(user, "password"), "") : null,
                Authorization = token.Length + tokenFile.Length > 0 ? new AuthorizationOptions("Bearer", tokenFile.Length > 0 ? "" : token, tokenFile) : null,
                Tls = new TlsOptions
                {
                    CaPem = Data(cluster, "certificate-authority-data"),
                    CaFile = Resolve(Text(cluster, "certificate-authority")),
                    CertPem = Data(user, "client-certificate-data"),
                    CertFile = Resolve(Text(user, "client-certificate")),
                    KeyPem = Data(user, "client-key-data"),
                    KeyFile = Resolve(Text(user, "client-key")),
                    ServerName = Text(cluster, "tls-server-name"),
                    InsecureSkipVerify = cluster["insecure-skip-tls-verify"] is BoolValue { Flag: true },
                },
            },
            "");

        string Resolve(string file) => file.Length == 0 ? "" : Path.GetFullPath(file, folder);
    }

    private static ObjectValue Named(ObjectValue root, string list, string name, string member, string path)
    {
        var found = (root[list] as ArrayValue)?.Items.OfType<ObjectValue>().FirstOrDefault(i => Text(i, "name") == name);
        return found?[member] as ObjectValue ?? throw new DiscoveryException($"{path}: there is no entry \"{name}\" under {list}");
    }

    private static string Text(ObjectValue of, string name) => of[name] switch { StringValue text => text.Text, NumberValue number => number.ToString() ?? "", _ => "" };

    private static string Data(ObjectValue of, string name)
    {
        string text = Text(of, name);
        return text.Length == 0 ? "" : Encoding.UTF8.GetString(Convert.FromBase64String(text));
    }
}
