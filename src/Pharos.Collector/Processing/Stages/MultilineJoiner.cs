using System.Text;
using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Joins the lines of one block: from a line that fits an expression up to the next such line, per stream.</summary>
internal sealed class MultilineJoiner : IStage, IHolder
{
    private readonly MultilineStage options;
    private readonly IStage next;
    private readonly TimeProvider time;
    private readonly LinearRegex firstLine;
    private readonly Dictionary<Labels, Block> blocks = [];

    public MultilineJoiner(MultilineStage options, IStage next, TimeProvider time)
    {
        this.options = options;
        this.next = next;
        this.time = time;
        if (options.FirstLine.Length == 0) throw new FormatException("firstline must be set");
        firstLine = LinearRegex.Unanchored(options.FirstLine);
    }

    public void Process(LogEntry entry)
    {
        var stream = entry.Labels.ToLabels();
        bool starts = firstLine.IsMatch(entry.Line);
        if (!blocks.TryGetValue(stream, out var block))
        {
            // Lines before the first block stand alone.
            if (!starts)
            {
                next.Process(entry);
                return;
            }
            blocks[stream] = Start(entry);
            return;
        }
        if (starts)
        {
            PassOn(block);
            blocks[stream] = Start(entry);
            return;
        }
        block.Text.Append('\n').Append(Trim(entry.Line));
        block.Lines++;
        block.At = time.GetTimestamp();
        if (block.Lines < options.MaxLines) return;
        PassOn(block);
        blocks.Remove(stream);
    }

    public void Flush(bool all)
    {
        foreach (var (stream, block) in blocks.Where(b => all || time.GetElapsedTime(b.Value.At) >= options.MaxWaitTime).ToList())
        {
            blocks.Remove(stream);
            PassOn(block);
        }
    }

    private Block Start(LogEntry entry) => new(entry, new StringBuilder(Trim(entry.Line))) { At = time.GetTimestamp() };

    private string Trim(string line) => options.TrimNewlines ? line.TrimEnd('\r', '\n') : line;

    private void PassOn(Block block)
    {
        block.First.Line = block.Text.ToString();
        next.Process(block.First);
    }

    private sealed class Block(LogEntry first, StringBuilder text)
    {
        public LogEntry First { get; } = first;
        public StringBuilder Text { get; } = text;
        public int Lines { get; set; } = 1;
        public long At { get; set; }
    }
}
