using Pharos.Core;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>What an evaluation must find.</summary>
internal sealed record Expectation(string Level, string? Text, string? Pattern);

/// <summary>One <c>eval</c> of a script.</summary>
internal sealed class EvalCommand
{
    public required string Name { get; init; }
    public required string Query { get; init; }
    public bool IsRange { get; init; }
    public long StartMs { get; init; }
    public long EndMs { get; init; }
    public long StepMs { get; init; }
    public List<Expectation> Expectations { get; } = [];
    public bool Ordered { get; set; }
    public string? Text { get; set; }
    public double? Scalar { get; set; }
    public (long StartMs, long EndMs, long StepMs)? RangeVector { get; set; }
    public List<(Labels Labels, List<SequenceValue> Values)> Series { get; } = [];
    public bool MustFail => Expectations.Any(e => e.Level == "fail");
}

/// <summary>Reads a script and hands its commands to a runner one by one.</summary>
internal sealed class Script(string file, MemoryMetrics store, Action<EvalCommand> evaluate)
{
    public void Run()
    {
        var lines = File.ReadAllLines(file);
        for (int i = 0; i < lines.Length;)
        {
            string header = lines[i].Trim();
            if (header.Length == 0 || header[0] == '#')
            {
                i++;
                continue;
            }
            int headerAt = i++;
            var block = new List<string>();
            for (; i < lines.Length; i++)
            {
                string line = lines[i].Trim();
                if (line.Length == 0 || IsCommand(line)) break;
                if (line[0] != '#') block.Add(line);
            }
            string word = header.Split(' ', '\t')[0].ToLowerInvariant();
            if (word.StartsWith("load", StringComparison.Ordinal)) Load(header, block, word.EndsWith("nhcb", StringComparison.Ordinal));
            else if (word == "clear") store.Clear();
            else if (word.StartsWith("eval", StringComparison.Ordinal)) evaluate(Eval(header, block, word, headerAt + 1));
            else throw new FormatException($"{file}:{headerAt + 1}: unknown command {header}");
        }
    }

    // Some blocks follow each other without a blank line.
    private static bool IsCommand(string line) =>
        line == "clear" || line.StartsWith("eval ", StringComparison.Ordinal) || line.StartsWith("load ", StringComparison.Ordinal);

    private void Load(string header, List<string> block, bool customBuckets)
    {
        long interval = SeriesNotation.Duration(header.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1]);
        List<long?>? starts = null;
        var loaded = new List<(Labels Labels, List<SequenceValue> Values, List<long?>? Starts)>();
        foreach (string line in block)
        {
            var (labels, text) = SeriesNotation.Split(line, out bool isStart);
            if (isStart)
            {
                starts = SeriesNotation.Offsets(text);
                continue;
            }
            var values = SeriesNotation.Values(text);
            if (starts is not null && starts.Count != values.Count) throw new FormatException($"{file}: {starts.Count} starts for {values.Count} values: {line}");
            // A series described twice in one load is what the last line says.
            loaded.RemoveAll(l => l.Labels.Equals(labels));
            loaded.Add((labels, values, starts));
            starts = null;
        }
        foreach (var (labels, values, offsets) in loaded)
        {
            for (int i = 0; i < values.Count; i++)
            {
                if (values[i].Missing) continue;
                long at = i * interval;
                long start = offsets?[i] is { } offset ? at + offset : 0;
                if (values[i].Histogram is { } histogram) store.Add(labels, at, histogram, start);
                else store.Add(labels, at, values[i].Value, start);
            }
        }
        if (customBuckets) CustomBuckets.Add(store, loaded, interval);
    }

    private EvalCommand Eval(string header, List<string> block, string word, int line)
    {
        string name = $"{Path.GetFileName(file)}:{line}";
        string rest = header[word.Length..].Trim();
        EvalCommand command;
        if (rest.StartsWith("instant", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest["instant".Length..].Trim();
            string at = Word(ref rest);
            if (at != "at") throw new FormatException($"{name}: {header}");
            long time = SeriesNotation.Duration(Word(ref rest));
            command = new EvalCommand { Name = name, Query = rest, StartMs = time, EndMs = time };
        }
        else
        {
            rest = rest["range".Length..].Trim();
            Word(ref rest);
            long from = SeriesNotation.Duration(Word(ref rest));
            Word(ref rest);
            long to = SeriesNotation.Duration(Word(ref rest));
            Word(ref rest);
            long step = SeriesNotation.Duration(Word(ref rest));
            command = new EvalCommand { Name = name, Query = rest, IsRange = true, StartMs = from, EndMs = to, StepMs = step };
        }
        switch (word)
        {
            case "eval_fail": command.Expectations.Add(new Expectation("fail", null, null)); break;
            case "eval_warn": command.Expectations.Add(new Expectation("warn", null, null)); break;
            case "eval_info": command.Expectations.Add(new Expectation("info", null, null)); break;
            case "eval_ordered": command.Ordered = true; break;
        }
        foreach (string text in block) Expect(command, text);
        return command;
    }

    private static void Expect(EvalCommand command, string text)
    {
        if (text.StartsWith("expected_fail_message", StringComparison.Ordinal))
        {
            command.Expectations.Add(new Expectation("fail", text["expected_fail_message".Length..].Trim(), null));
            return;
        }
        if (text.StartsWith("expected_fail_regexp", StringComparison.Ordinal))
        {
            command.Expectations.Add(new Expectation("fail", null, text["expected_fail_regexp".Length..].Trim()));
            return;
        }
        if (text.StartsWith("expect ", StringComparison.Ordinal))
        {
            string rest = text["expect ".Length..].Trim();
            string level = Word(ref rest);
            switch (level)
            {
                case "ordered":
                    command.Ordered = true;
                    return;
                case "string":
                    GoString.TryUnquote(rest, out string? value, out _, out _);
                    command.Text = value;
                    return;
                case "range":
                    string[] words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    command.RangeVector = (SeriesNotation.Duration(words[2]), SeriesNotation.Duration(words[4]), SeriesNotation.Duration(words[6]));
                    return;
                default:
                    string? message = rest.StartsWith("msg:", StringComparison.Ordinal) ? rest[4..].Trim() : null;
                    string? pattern = rest.StartsWith("regex:", StringComparison.Ordinal) ? rest[6..].Trim() : null;
                    command.Expectations.Add(new Expectation(level, message, pattern));
                    return;
            }
        }
        if (!text.Contains(' ') && !text.Contains('\t') && !text.Contains('{'))
        {
            try
            {
                command.Scalar = SeriesNotation.Number(text);
                return;
            }
            catch (FormatException)
            {
                // A name alone: a series without values.
            }
        }
        var (labels, values) = SeriesNotation.Split(text, out _);
        command.Series.Add((labels, SeriesNotation.Values(values)));
    }

    private static string Word(ref string rest)
    {
        int end = rest.AsSpan().IndexOfAny(' ', '\t');
        string word = end < 0 ? rest : rest[..end];
        rest = end < 0 ? "" : rest[end..].Trim();
        return word;
    }
}
