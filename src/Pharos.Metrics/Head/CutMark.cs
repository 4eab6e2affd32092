using System.Globalization;
using Microsoft.Extensions.Logging;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// How far a tenant's samples went from the write log into blocks: those before <see cref="BelowMs"/> that stand
/// in the log before <see cref="Applied"/>. Kept in the file <c>head-cut</c> beside the blocks: one line, three numbers.
/// </summary>
internal sealed record CutMark(long BelowMs, WriteLogPosition Applied)
{
    private const string FileName = "head-cut";

    public static CutMark None { get; } = new(long.MinValue, default);

    public static CutMark Load(string folder, ILogger logger)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return None;
        try
        {
            var parts = File.ReadAllText(path).Split(' ');
            return new CutMark(Number(parts[0]), new WriteLogPosition(Number(parts[1]), Number(parts[2])));
        }
        catch (Exception wrong) when (wrong is FormatException or IndexOutOfRangeException or IOException)
        {
            MetricsLog.BadCutMark(logger, path, wrong.Message);
            return None;
        }
    }

    public void Save(IDisk disk, string folder) => DurableFiles.Replace(
        disk, Path.Combine(folder, FileName), System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{BelowMs} {Applied.Segment} {Applied.Offset}\n")));

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
}
