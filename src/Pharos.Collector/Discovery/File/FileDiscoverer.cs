using Pharos.Collector.Tailing;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Targets from files. One that is being written, or is wrong, must not take the targets of the others: its last ones stay.</summary>
internal sealed class FileDiscoverer(FileOptions options) : IDiscoverer
{
    private readonly Dictionary<string, IReadOnlyList<Labels>> last = new(StringComparer.Ordinal);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var files = options.Files.SelectMany(FileGlob.Find).Distinct().Order(StringComparer.Ordinal).ToList();
        string? trouble = null;
        foreach (string file in files)
        {
            try
            {
                last[file] = TargetGroups.Read(await File.ReadAllTextAsync(file, cancel), Path.GetExtension(file) == ".json", "__meta_filepath", file);
            }
            catch (Exception bad) when (bad is IOException or UnauthorizedAccessException or FormatException)
            {
                trouble = $"{file}: {bad.Message}";
            }
        }
        foreach (string gone in last.Keys.Except(files).ToList()) last.Remove(gone);
        return new FoundTargets([.. last.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => f.Value)], trouble);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
