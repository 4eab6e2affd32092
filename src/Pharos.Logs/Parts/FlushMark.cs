using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Parts;

/// <summary>
/// A tenant's last finished flush: parts with a higher number belong to a flush that never finished, and records of the write log
/// before the position are in parts.
/// </summary>
internal sealed record FlushMark(long Sequence, WriteLogPosition Position)
{
    public static FlushMark None { get; } = new(0, default);

    /// <summary>Number, segment and offset as text.</summary>
    public string Numbers => $"{Sequence} {Position.Segment} {Position.Offset}";

    public static FlushMark Newer(FlushMark one, FlushMark other) => other.Sequence > one.Sequence ? other : one;

    /// <summary>The mark as a line of text.</summary>
    /// <param name="rest">What follows the line, which its checksum covers too.</param>
    public string Text(string version, ReadOnlySpan<byte> rest)
    {
        string text = $"{version} {Numbers}";
        return $"{text} {Sum(text, rest)}\n";
    }

    /// <summary>Reads a line as <see cref="Text"/> writes it, without its end; false where it is damaged.</summary>
    public static bool TryParse(string line, string version, ReadOnlySpan<byte> rest, out FlushMark mark)
    {
        mark = None;
        string[] words = line.Split(' ');
        return words.Length == 5 && words[0] == version && words[4] == Sum(string.Join(' ', words[..4]), rest) && TryParseNumbers(string.Join(' ', words[1..4]), out mark);
    }

    /// <summary>Reads what <see cref="Numbers"/> writes.</summary>
    public static bool TryParseNumbers(string text, out FlushMark mark)
    {
        mark = None;
        string[] words = text.Split(' ');
        if (words.Length != 3 || !long.TryParse(words[0], out long sequence) || !long.TryParse(words[1], out long segment) || !long.TryParse(words[2], out long offset)) return false;
        mark = new FlushMark(sequence, new WriteLogPosition(segment, offset));
        return true;
    }

    private static string Sum(string text, ReadOnlySpan<byte> rest) => Crc32C.Append(Crc32C.Of(Encoding.UTF8.GetBytes(text)), rest).ToString("x8", CultureInfo.InvariantCulture);
}
