using System.Text;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| pattern "&lt;ip&gt; - &lt;_&gt;"</c></summary>
internal sealed class PatternStage : Stage
{
    private readonly (PatternPart Part, byte[] Literal)[] parts;
    private readonly NeededLabels needed;

    public PatternStage(string text, NeededLabels needed)
    {
        this.needed = needed;
        parts = [.. PatternText.Parse(text).Select(p => (p, p.IsCapture ? [] : Encoding.UTF8.GetBytes(p.Text)))];
    }

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        if (needed.None || line.Bytes.IsEmpty) return true;
        var rest = line.Bytes;
        int at = 0;
        if (!parts[0].Part.IsCapture)
        {
            if (!rest.StartsWith(parts[0].Literal)) return true;
            rest = rest[parts[0].Literal.Length..];
            at = 1;
        }
        // From here captures and literals alternate.
        for (; at < parts.Length; at += 2)
        {
            int hit = at + 1 < parts.Length ? rest.IndexOf(parts[at + 1].Literal) : -1;
            var value = hit < 0 ? rest : rest[..hit];
            var capture = parts[at].Part;
            if (capture.IsNamed && needed.Needs(capture.Text)) line.Labels.Extract(capture.Text, ParserText.Decode(value));
            if (hit < 0) return true;
            rest = rest[(hit + parts[at + 1].Literal.Length)..];
        }
        return true;
    }
}
