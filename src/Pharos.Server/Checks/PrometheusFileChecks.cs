using Pharos.Collector;
using Pharos.Collector.Relabeling;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Checks;

/// <summary>What a good prometheus.yml may still have wrong around it: files that are not there, targets that no rule makes valid.</summary>
internal static class PrometheusFileChecks
{
    public static IEnumerable<Diagnostic> Find(PrometheusConfig config)
    {
        var place = new SourcePosition(config.File, 0, 0);
        foreach (var job in config.ScrapeJobs)
        {
            foreach (string missing in Missing(job.Http)) yield return Diagnostic.Error(place, $"job {job.Options.JobName}: {missing}");
            foreach (var target in job.Discovery.Static.SelectMany(g => g))
            {
                if (ScrapePool.Fault(target, job.Options) is { } fault) yield return Diagnostic.Error(place, $"job {job.Options.JobName}: target {target["__address__"]}: {fault}");
            }
        }
        foreach (var group in config.Alertmanagers)
        {
            foreach (string missing in Missing(group.Http)) yield return Diagnostic.Error(place, $"alertmanagers: {missing}");
            foreach (var target in group.Discovery.Static.SelectMany(g => g))
            {
                if (RelabelRule.Apply(group.RelabelRules, target) is { } after && after["__address__"].Contains('/', StringComparison.Ordinal))
                    yield return Diagnostic.Error(place, $"alertmanagers: \"{after["__address__"]}\" is not a valid hostname");
            }
        }
        foreach (var target in config.RemoteWrite)
        {
            foreach (string missing in Missing(target.Http)) yield return Diagnostic.Error(place, $"remote_write {target.Url}: {missing}");
        }
    }

    private static IEnumerable<string> Missing(HttpClientOptions http)
    {
        string?[] files =
        [
            http.BasicAuth?.PasswordFile, http.Authorization?.CredentialsFile, http.OAuth2?.ClientSecretFile, http.Tls?.CaFile, http.Tls?.CertFile, http.Tls?.KeyFile,
        ];
        return files.Where(f => !string.IsNullOrEmpty(f) && !Path.Exists(f)).Select(f => $"the file {f} does not exist");
    }
}
