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

    public static FlushMark None { get; } = new(0, default);

    /// <summary>Reads the mark; null where there is none or it is damaged.</summary>
    public static FlushMark? Read(string folder, ILogger logger)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        string[] words = File.ReadAllText(path).TrimEnd('\n').Split(' ');
        if (words.Length == 5 && words[0] == "v1" && words[4] == Crc32C.Of(Encoding.UTF8.GetBytes(string.Join(' ', words[..4]))).ToString("x8", CultureInfo.InvariantCulture)
            && long.TryParse(words[1], out long sequence) && long.TryParse(words[2], out long segment) && long.TryParse(words[3], out long offset))
        {
            return new FlushMark(sequence, new WriteLogPosition(segment, offset));
        }
        LogsLog.DamagedMark(logger, path);
        return null;
    }

    public void Write(IDisk disk, string folder)
    {
        string text = $"v1 {Sequence} {Position.Segment} {Position.Offset}";
        DurableFiles.Replace(disk, Path.Combine(folder, FileName), Encoding.UTF8.GetBytes($"{text} {Crc32C.Of(Encoding.UTF8.GetBytes(text)):x8}\n"));
    }
}
