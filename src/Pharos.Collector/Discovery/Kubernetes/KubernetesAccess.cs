namespace Pharos.Collector.Discovery;

/// <summary>Where an API server is and how to speak with it.</summary>
/// <param name="Namespace">Of this process's own pod; empty: unknown.</param>
internal sealed record KubernetesAccess(Uri Server, HttpClientOptions Client, string Namespace)
{
    private const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

    /// <exception cref="IOException">The configuration names no server, this process does not run in a cluster, or a file is missing.</exception>
    public static KubernetesAccess Find(KubernetesOptions options)
    {
        if (options.ApiServer is not null) return new KubernetesAccess(options.ApiServer, options.Client, "");
        if (options.KubeconfigFile.Length > 0) return Kubeconfig.Read(File.ReadAllText(options.KubeconfigFile), options.KubeconfigFile);
        return InCluster(Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST"), Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT"), ServiceAccount);
    }

    /// <summary>From within a pod, as its service account.</summary>
    public static KubernetesAccess InCluster(string? host, string? port, string folder)
    {
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port))
            throw new DiscoveryException("this process does not run inside a Kubernetes cluster (KUBERNETES_SERVICE_HOST is not set); give api_server or kubeconfig_file");
        string file = Path.Combine(folder, "namespace");
        return new KubernetesAccess(
            new Uri("https://" + MetaLabels.Join(host, port)),
            HttpClientOptions.Default with
            {
                Authorization = new AuthorizationOptions("Bearer", "", Path.Combine(folder, "token")),
                Tls = new TlsOptions { CaFile = Path.Combine(folder, "ca.crt") },
            },
            File.Exists(file) ? File.ReadAllText(file).Trim() : "");
    }
}
