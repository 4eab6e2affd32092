using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// How far a tenant's samples went from the write log into blocks: those before <see cref="BelowMs"/> that stand
/// in the log before <see cref="Applied"/>. Kept in the file <c>head-cut</c> beside the blocks: one line, three numbers and a checksum.
/// </summary>
internal sealed record CutMark(long BelowMs, WriteLogPosition Applied)
{
    private const string FileName = "head-cut";

    public static CutMark None { get; } = new(long.MinValue, default);

    public static string PathIn(string folder) => Path.Combine(folder, FileName);

    /// <summary>Without a mark that can be trusted a replay puts samples into the head that are in blocks too; queries merge them.</summary>
    public static CutMark Load(string folder, ILogger logger)
    {
        string path = PathIn(folder);
        if (!File.Exists(path)) return None;
        try
        {
            return Read(path);
        }
        catch (Exception wrong) when (wrong is InvalidDataException or IOException)
        {
            MetricsLog.BadCutMark(logger, path, wrong.Message);
            return None;
        }
    }

    /// <exception cref="InvalidDataException">The file is not as <see cref="Save"/> writes it.</exception>
    public static CutMark Read(string path)
    {
        string text = File.ReadAllText(path);
        string[] words = text.TrimEnd('\n').Split(' ');
        // Releases before the checksum wrote three numbers alone.
        if (!text.EndsWith('\n') || words.Length is not (3 or 4) || !TryNumber(words[0], out long below) || !TryNumber(words[1], out long segment) || !TryNumber(words[2], out long offset))
            throw new InvalidDataException("it is not a line of three numbers and a checksum");
        var mark = new CutMark(below, new WriteLogPosition(segment, offset));
        if (words.Length == 4 && words[3] != Checksum(mark.Numbers)) throw new InvalidDataException("it does not match its checksum");
        return mark;
    }

    public void Save(IDisk disk, string folder) =>
        DurableFiles.Replace(disk, PathIn(folder), Encoding.ASCII.GetBytes($"{Numbers} {Checksum(Numbers)}\n"));

    private string Numbers => string.Create(CultureInfo.InvariantCulture, $"{BelowMs} {Applied.Segment} {Applied.Offset}");

    private static string Checksum(string numbers) => Crc32C.Of(Encoding.ASCII.GetBytes(numbers)).ToString("x8", CultureInfo.InvariantCulture);

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
