using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pharos.Templates;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Sets an extracted value from a Go template over all extracted values, <c>.Value</c> and <c>.Entry</c>.</summary>
internal sealed class Templater : SimpleStage
{
    private static readonly TemplateFunctions Functions = CreateFunctions();

    private readonly TemplateStage options;
    private readonly GoTemplate template;

    public Templater(TemplateStage options, IStage next)
        : base(next)
    {
        if (options.Source.Length == 0) throw new FormatException("source must be set");
        this.options = options;
        template = Parse(options.Template);
    }

    /// <exception cref="FormatException">The template is malformed.</exception>
    public static GoTemplate Parse(string text)
    {
        try
        {
            return GoTemplate.Parse("pipeline_template", text, Functions);
        }
        catch (TemplateException e)
        {
            throw new FormatException(e.Message, e);
        }
    }

    protected override bool Apply(LogEntry entry)
    {
        var data = new Dictionary<string, object?>(entry.Extracted, StringComparer.Ordinal) { ["Entry"] = entry.Line };
        if (entry.Extracted.TryGetValue(options.Source, out object? value)) data["Value"] = LogEntry.Text(value);
        try
        {
            string result = template.Execute(data);
            if (result.Length == 0) entry.Extracted.Remove(options.Source);
            else entry.Extracted[options.Source] = result;
        }
        catch (TemplateException)
        {
            // A template that fails for one line leaves its value as it was; the line goes on.
        }
        return true;
    }

    private static TemplateFunctions CreateFunctions() => new TemplateFunctions()
        .Set("ToLower", (string s) => s.ToLowerInvariant())
        .Set("ToUpper", (string s) => s.ToUpperInvariant())
        .Set("Replace", (string s, string old, string with, long count) => ReplaceFirst(s, old, with, count))
        .Set("Trim", (string s, string set) => s.Trim(set.ToCharArray()))
        .Set("TrimLeft", (string s, string set) => s.TrimStart(set.ToCharArray()))
        .Set("TrimRight", (string s, string set) => s.TrimEnd(set.ToCharArray()))
        .Set("TrimPrefix", (string s, string prefix) => s.StartsWith(prefix, StringComparison.Ordinal) ? s[prefix.Length..] : s)
        .Set("TrimSuffix", (string s, string suffix) => s.EndsWith(suffix, StringComparison.Ordinal) ? s[..^suffix.Length] : s)
        .Set("TrimSpace", (string s) => s.Trim())
        .Set("Hash", (string salt, string s) => Convert.ToHexStringLower(SHA3(salt + s)))
        .Set("Sha2Hash", (string salt, string s) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(salt + s))))
        .Set("regexReplaceAll", (string pattern, string s, string with) => GoText.ReReplaceAll(pattern, with, s))
        .Set("regexReplaceAllLiteral", (string pattern, string s, string with) => GoText.ReReplaceAll(pattern, with.Replace("$", "$$", StringComparison.Ordinal), s))
        .Set("lower", (string s) => s.ToLowerInvariant())
        .Set("upper", (string s) => s.ToUpperInvariant())
        .Set("trim", (string s) => s.Trim())
        .Set("replace", (string old, string with, string s) => s.Replace(old, with, StringComparison.Ordinal))
        .Set("contains", (string part, string s) => s.Contains(part, StringComparison.Ordinal))
        .Set("hasPrefix", (string part, string s) => s.StartsWith(part, StringComparison.Ordinal))
        .Set("hasSuffix", (string part, string s) => s.EndsWith(part, StringComparison.Ordinal))
        .Set("default", (object fallback, object value) => value is null or "" ? fallback : value)
        .Set("trunc", (long length, string s) => length >= 0 ? s[..(int)Math.Min(length, s.Length)] : s[(int)Math.Max(0, s.Length + length)..])
        .Set("int", (object value) => double.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out double number) ? (long)number : 0L);

    // Alloy's Hash is SHA3-256, which not every platform has; there SHA-256 would be another value, so the template fails instead.
    private static byte[] SHA3(string text) => SHA3_256.IsSupported
        ? SHA3_256.HashData(Encoding.UTF8.GetBytes(text))
        : throw new TemplateFunctionException("SHA3 is not available on this platform; use Sha2Hash");

    private static string ReplaceFirst(string text, string old, string with, long count)
    {
        if (count < 0) return text.Replace(old, with, StringComparison.Ordinal);
        var output = new StringBuilder();
        int from = 0;
        for (; count > 0 && old.Length > 0; count--)
        {
            int at = text.IndexOf(old, from, StringComparison.Ordinal);
            if (at < 0) break;
            output.Append(text, from, at - from).Append(with);
            from = at + old.Length;
        }
        return output.Append(text, from, text.Length - from).ToString();
    }
}
