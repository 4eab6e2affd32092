using System.Text.RegularExpressions;

namespace Pharos.Core.Tests;

/// <summary>Event ids are what operators filter and count logs by: one id, one meaning, in the whole of Pharos.</summary>
public sealed partial class LogEventTests
{
    [Fact]
    public void No_two_log_events_share_an_id()
    {
        var events = Directory.EnumerateFiles(Path.Combine(Places.Repository, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Event().Matches(File.ReadAllText(file)).Select(m => (Id: m.Groups[1].Value, File: Path.GetFileName(file))))
            .ToList();

        Assert.NotEmpty(events);
        Assert.Empty(events.GroupBy(e => e.Id).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(", ", g.Select(e => e.File))}"));
    }

    [GeneratedRegex(@"LoggerMessage\((?:EventId = )?(\d+)")]
    private static partial Regex Event();
}
