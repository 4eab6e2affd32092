using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Parts;

/// <summary>
/// The last finished flush: parts with a higher number belong to a flush that never finished, and records of the write log
/// before the position are in parts. One line of text in the file <c>flushed</c>, replaced as a whole.
/// </summary>
internal sealed record FlushMark(long Sequence, WriteLogPosition Position)
{
    public const string FileName = "flushed";

    private const string Version = "v1";

    public static FlushMark None { get; } = new(0, default);

    public static FlushMark Newer(FlushMark one, FlushMark other) => other.Sequence > one.Sequence ? other : one;

    /// <summary>Reads the mark; null where there is none or it is damaged.</summary>
    public static FlushMark? Read(string folder, ILogger logger)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        if (TryParse(File.ReadAllText(path).TrimEnd('\n'), Version, [], out var mark)) return mark;
        LogsLog.DamagedMark(logger, path);
        return null;
    }

    public void Write(IDisk disk, string folder) => DurableFiles.Replace(disk, Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(Text(Version, [])));

    /// <summary>The mark as a line of text.</summary>
    /// <param name="rest">What follows the line, which its checksum covers too.</param>
    public string Text(string version, ReadOnlySpan<byte> rest)
    {
        string text = $"{version} {Sequence} {Position.Segment} {Position.Offset}";
        return $"{text} {Sum(text, rest)}\n";
    }

    /// <summary>Reads a line as <see cref="Text"/> writes it, without its end; false where it is damaged.</summary>
    public static bool TryParse(string line, string version, ReadOnlySpan<byte> rest, out FlushMark mark)
    {
        mark = None;
        string[] words = line.Split(' ');
        if (words.Length != 5 || words[0] != version || words[4] != Sum(string.Join(' ', words[..4]), rest)
            || !long.TryParse(words[1], out long sequence) || !long.TryParse(words[2], out long segment) || !long.TryParse(words[3], out long offset)) return false;
        mark = new FlushMark(sequence, new WriteLogPosition(segment, offset));
        return true;
    }

    private static string Sum(string text, ReadOnlySpan<byte> rest) => Crc32C.Append(Crc32C.Of(Encoding.UTF8.GetBytes(text)), rest).ToString("x8", CultureInfo.InvariantCulture);
}
