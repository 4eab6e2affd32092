using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Logs.Tests;
using Pharos.Logs.Tools;

namespace Pharos.CrashHost;

/// <summary>Imports FOLDER/input.ndjson into the data folder FOLDER/data, again and again. The only sender's count is the entries that were taken, over all imports of this life.</summary>
internal static class LogImportLoad
{
    private const long FlushBytes = 4000;

    public static async Task RunAsync(string folder, Report report)
    {
        report.Ready([[0]]);
        for (long before = 0; ;)
        {
            using var input = File.OpenRead(Path.Combine(folder, "input.ndjson"));
            var import = new LogImport(Path.Combine(folder, "data"), new WordLanguage(), TimeProvider.System, NullLogger.Instance, flushBytes: FlushBytes);
            var done = await import.RunAsync(TenantId.Anonymous, input, (entries, _) => report.Acknowledged(0, (int)(before + entries)), CancellationToken.None);
            if (done.Problems.Count > 0) throw new InvalidDataException(done.Problems[0]);
            report.Acknowledged(0, (int)(before += done.Entries));
        }
    }
}
