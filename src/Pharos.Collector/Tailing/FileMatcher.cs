using Pharos.Core;

namespace Pharos.Collector.Tailing;

/// <summary>Finds the files that path targets name: what <c>local.file_match</c> exports.</summary>
public static class FileMatcher
{
    public const string PathLabel = "__path__";
    public const string ExcludeLabel = "__path_exclude__";

    /// <summary>
    /// A target for each file, <c>__path__</c> being the file; other labels are kept. Sorted, each file once for each set of labels.
    /// </summary>
    /// <param name="pathTargets">Each with <c>__path__</c>, a pattern, and perhaps <c>__path_exclude__</c>, another.</param>
    /// <param name="ignoreOlderThan">Files not written for that long are left out; zero: none are.</param>
    public static IReadOnlyList<Labels> Find(IReadOnlyList<Labels> pathTargets, TimeSpan ignoreOlderThan, TimeProvider time)
    {
        var found = new SortedSet<Labels>();
        var oldest = ignoreOlderThan > TimeSpan.Zero ? time.GetUtcNow() - ignoreOlderThan : DateTimeOffset.MinValue;
        foreach (var target in pathTargets)
        {
            if (!target.TryGetValue(PathLabel, out string? pattern)) continue;
            target.TryGetValue(ExcludeLabel, out string? exclude);
            foreach (string path in FileGlob.Find(pattern))
            {
                if (exclude is not null && FileGlob.Matches(exclude, path)) continue;
                if (oldest > DateTimeOffset.MinValue && File.GetLastWriteTimeUtc(path) < oldest) continue;
                found.Add(target.Without(ExcludeLabel).With(PathLabel, Path.GetFullPath(path)));
            }
        }
        return [.. found];
    }
}
