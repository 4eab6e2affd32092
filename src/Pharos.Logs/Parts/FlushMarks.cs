using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Parts;

/// <summary>
/// What of the write log is in parts, by tenant: the file <c>flushed</c>, replaced as a whole. Its first line is the mark of all tenants that have none of their
/// own; those whose last flush failed stand where their last good one left them, and one whose flush was made good alone is ahead of the others.
/// </summary>
/// <param name="Others">Its number is that of the last flush of all, and no tenant's is higher.</param>
/// <param name="Own">By tenant.</param>
internal sealed record FlushMarks(FlushMark Others, IReadOnlyDictionary<string, FlushMark> Own)
{
    public const string FileName = "flushed";

    private const string Version = "v1";

    private static readonly Dictionary<string, FlushMark> NoneOwn = [];

    public static FlushMarks None { get; } = new(FlushMark.None);

    public FlushMarks(FlushMark others) : this(others, NoneOwn)
    {
    }

    /// <summary>Records of the write log before it are in parts, whoever's they are.</summary>
    public WriteLogPosition Lowest => Own.Values.Select(m => m.Position).Append(Others.Position).Min();

    /// <summary>The last place that a mark speaks of.</summary>
    public WriteLogPosition Highest => Own.Values.Select(m => m.Position).Append(Others.Position).Max();

    public FlushMark Of(TenantId tenant) => Own.TryGetValue(tenant.Name, out var own) ? own : Others;

    /// <summary>Reads the marks; null where there are none or they are damaged.</summary>
    public static FlushMarks? Read(string folder, ILogger logger)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        if (TryParse(File.ReadAllBytes(path)) is { } marks) return marks;
        LogsLog.DamagedMark(logger, path);
        return null;
    }

    public void Write(IDisk disk, string folder)
    {
        var own = new StringBuilder();
        foreach (var (tenant, mark) in Own.OrderBy(o => o.Key, StringComparer.Ordinal)) own.Append(tenant).Append(' ').Append(mark.Numbers).Append('\n');
        byte[] rest = Encoding.UTF8.GetBytes(own.ToString());
        DurableFiles.Replace(disk, Path.Combine(folder, FileName), [.. Encoding.UTF8.GetBytes(Others.Text(Version, rest)), .. rest]);
    }

    private static FlushMarks? TryParse(ReadOnlySpan<byte> bytes)
    {
        int first = bytes.IndexOf((byte)'\n');
        var rest = first < 0 ? default : bytes[(first + 1)..];
        if (!FlushMark.TryParse(Encoding.UTF8.GetString(first < 0 ? bytes : bytes[..first]), Version, rest, out var others)) return null;
        var own = new Dictionary<string, FlushMark>(StringComparer.Ordinal);
        foreach (string line in Encoding.UTF8.GetString(rest).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int name = line.IndexOf(' ', StringComparison.Ordinal);
            if (name <= 0 || !FlushMark.TryParseNumbers(line[(name + 1)..], out var mark)) return null;
            own[line[..name]] = mark;
        }
        return new FlushMarks(others, own);
    }
}
