using System.Text;
using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| logfmt [--strict] [--keep-empty] [a, b="c"]</c></summary>
internal sealed class LogfmtStage : Stage
{
    public const string Error = "LogfmtParserErr";

    private readonly LabelNameCache names = new();
    private readonly bool strict;
    private readonly bool keepEmpty;
    private readonly (string Label, byte[] Key)[] wanted;
    private readonly string?[] found;
    private readonly NeededLabels needed;
    private readonly KnownFields? known;

    /// <exception cref="QueryException">An expression is no logfmt key.</exception>
    public LogfmtStage(LogfmtSyntax syntax, NeededLabels needed)
    {
        this.needed = needed;
        strict = syntax.Strict;
        keepEmpty = syntax.KeepEmpty;
        foreach (var extraction in syntax.Extractions)
        {
            if (extraction.Expression.Length == 0 || extraction.Expression.AsSpan().IndexOfAny(" \t\"=") >= 0)
                throw new QueryException(QueryErrorKind.BadData, $"cannot parse expression [{extraction.Expression}]: a logfmt key has no spaces, quotes or equals signs");
        }
        wanted = [.. syntax.Extractions.Select(e => (e.Label, Encoding.UTF8.GetBytes(e.Expression)))];
        found = new string?[wanted.Length];
        if (wanted.Length == 0 && !keepEmpty) known = new KnownFields(needed, LogFieldFormat.Logfmt);
    }

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        if (needed.None || known?.TryExtract(ref line) == true) return true;
        var reader = new LogfmtReader(line.Bytes);
        Array.Clear(found);
        while (reader.Next())
        {
            if (reader.Error is not null)
            {
                if (!strict) continue;
                line.Labels.Fail(Error, reader.Error);
                break;
            }
            if (wanted.Length > 0) Choose(reader);
            else if (keepEmpty || !reader.Value.IsEmpty)
            {
                string name = names.Of(reader.Key);
                if (name.Length > 0 && needed.Needs(name)) line.Labels.Extract(name, reader.Text());
            }
        }
        if (line.Labels.HasError && strict && wanted.Length > 0) return true;
        for (int i = 0; i < wanted.Length; i++)
        {
            if (needed.Needs(wanted[i].Label)) line.Labels.Extract(wanted[i].Label, found[i] ?? "");
        }
        return true;
    }

    private void Choose(in LogfmtReader reader)
    {
        for (int i = 0; i < wanted.Length; i++)
        {
            if (found[i] is null && reader.Key.SequenceEqual(wanted[i].Key)) found[i] = reader.Text();
        }
    }
}
