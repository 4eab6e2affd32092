using System.Buffers;
using System.Globalization;
using System.Text;
using Pharos.Templates.Execution;
using Pharos.Templates.Formatting;

namespace Pharos.Templates.Html;

/// <summary>
/// Writes HTML: the author's text as it is (without comments), values escaped for the place they stand in, as Go's html/template does:
/// text, title and textarea, attributes (quoted or not), URLs, scripts, styles.
/// </summary>
internal sealed class HtmlOutput(TextWriter writer, Budget budget) : IOutput
{
    private readonly HtmlPlace place = new();

    public void Text(string text) => Write(place.Advance(text));

    public void Value(object? value)
    {
        string text = value is null || ReferenceEquals(value, TemplateValue.NoValue) ? "" : GoFormat.Value(value);
        var safe = value as SafeText;
        Write(Escape(text, value, safe));
        place.AfterValue(text);
    }

    private void Write(string text)
    {
        budget.Written(text.Length);
        writer.Write(text);
    }

    private string Escape(string text, object? value, SafeText? safe)
    {
        switch (place.State)
        {
            case HtmlState.Text:
                return safe?.Kind == SafeKind.Html ? text : Builtins.Html(text);
            case HtmlState.PlainElement:
                return Builtins.Html(text);
            case HtmlState.Comment:
                return "";
            case HtmlState.Script:
                return HtmlValues.Js(value, safe);
            case HtmlState.ScriptString:
                return Builtins.Js(text).Replace("/", "\\/", StringComparison.Ordinal);
            case HtmlState.Style:
                return safe?.Kind == SafeKind.Css ? text : HtmlValues.Css(text);
            case HtmlState.Tag or HtmlState.AttributeName:
                return HtmlValues.Name(text, safe);
        }
        string inner = place.Attribute switch
        {
            HtmlAttribute.Url => Url(text, safe),
            HtmlAttribute.Script => HtmlValues.Js(value, safe),
            HtmlAttribute.Style => safe?.Kind == SafeKind.Css ? text : HtmlValues.Css(text),
            _ => safe?.Kind == SafeKind.Html ? HtmlValues.StripTags(text) : text,
        };
        return place.Quote == '\0' ? HtmlValues.Unquoted(inner) : Builtins.Html(inner);
    }

    private string Url(string text, SafeText? safe)
    {
        // After a question mark or hash sign the value is one component; before it, a whole or partial URL.
        if (place.UrlPart == UrlPart.QueryOrFragment) return HtmlValues.UrlComponent(text, keepEscapes: safe?.Kind == SafeKind.Url);
        if (place.UrlPart == UrlPart.Start && safe?.Kind != SafeKind.Url && !HtmlValues.IsSafeUrl(text)) return "#ZgotmplZ";
        return HtmlValues.NormalizeUrl(text);
    }
}

/// <summary>Escapers that only HTML mode needs.</summary>
internal static class HtmlValues
{
    private static readonly SearchValues<char> CssSpecial = SearchValues.Create("\0\"'()/;@[\\]`{}<>");

    public static bool IsSafeUrl(string url)
    {
        int colon = url.IndexOf(':');
        if (colon < 0 || url.IndexOf('/') is >= 0 and var slash && slash < colon) return true;
        return url[..colon].ToLowerInvariant() is "http" or "https" or "mailto";
    }

    /// <summary>Escapes what may not stand in a URL and leaves what is escaped already.</summary>
    public static string NormalizeUrl(string url) => EscapeUrl(url, "!#$&*+,/:;=?@[]", keepEscapes: true);

    /// <summary>One query value.</summary>
    public static string UrlComponent(string text, bool keepEscapes) => EscapeUrl(text, keepEscapes ? "!#$&*+,/:;=?@[]" : "", keepEscapes);

    private static string EscapeUrl(string url, string reserved, bool keepEscapes)
    {
        var escaped = new StringBuilder(url.Length + 16);
        byte[] bytes = Encoding.UTF8.GetBytes(url);
        for (int i = 0; i < bytes.Length; i++)
        {
            char c = (char)bytes[i];
            bool keep = char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~' || reserved.Contains(c)
                || (c == '%' && keepEscapes && i + 2 < bytes.Length && char.IsAsciiHexDigit((char)bytes[i + 1]) && char.IsAsciiHexDigit((char)bytes[i + 2]));
            if (keep) escaped.Append(c);
            else escaped.Append(CultureInfo.InvariantCulture, $"%{bytes[i]:x2}");
        }
        return escaped.ToString();
    }

    /// <summary>For an attribute without quotes: everything that could end it becomes a reference.</summary>
    public static string Unquoted(string text)
    {
        if (text.Length == 0) return "";
        var escaped = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            if (c is '\t' or '\n' or '\v' or '\f' or '\r' or ' ' or '"' or '&' or '\'' or '+' or '<' or '=' or '>' or '`')
                escaped.Append(c switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", _ => $"&#{(int)c};" });
            else escaped.Append(c == '\0' ? "&#xfffd;" : c);
        }
        return escaped.ToString();
    }

    public static string Name(string text, SafeText? safe)
    {
        if (safe?.Kind == SafeKind.Attribute) return text;
        string name = text.ToLowerInvariant();
        bool plain = name.Length > 0 && name.All(char.IsAsciiLetterOrDigit) && HtmlPlace.AttributeKind(name) == HtmlAttribute.Plain;
        return plain ? name : "ZgotmplZ";
    }

    public static string Css(string text) =>
        text.AsSpan().IndexOfAny(CssSpecial) >= 0 || text.Contains("--", StringComparison.Ordinal)
            || text.Contains("expression", StringComparison.OrdinalIgnoreCase) || text.Contains("mozbinding", StringComparison.OrdinalIgnoreCase)
            ? "ZgotmplZ" : text;

    public static string StripTags(string html)
    {
        var text = new StringBuilder(html.Length);
        bool tag = false;
        foreach (char c in html)
        {
            if (c == '<') tag = true;
            else if (c == '>' && tag) tag = false;
            else if (!tag) text.Append(c);
        }
        return text.ToString();
    }

    /// <summary>A value as a JavaScript expression.</summary>
    public static string Js(object? value, SafeText? safe)
    {
        if (safe?.Kind == SafeKind.Js) return safe.Text;
        var text = new StringBuilder();
        Js(value, text, 0);
        return text.ToString();
    }

    private static void Js(object? value, StringBuilder text, int depth)
    {
        if (depth > 50) throw new TemplateFunctionException("value is nested too deep to print");
        value = TemplateValue.Normalize(value);
        switch (TemplateValue.KindOf(value))
        {
            case ValueKind.Nil or ValueKind.Invalid:
                text.Append(depth == 0 ? " null " : "null");
                break;
            case ValueKind.Bool or ValueKind.Int or ValueKind.Uint or ValueKind.Float when value is not GoDuration:
                // Blanks keep it apart from an identifier beside it.
                string number = value is bool flag ? (flag ? "true" : "false") : GoFormat.Value(value);
                if (value is double d && !double.IsFinite(d)) number = "null";
                text.Append(depth == 0 ? $" {number} " : number);
                break;
            case ValueKind.List:
                var list = TemplateValue.ListOf(value!);
                text.Append('[');
                for (int i = 0; i < list.Count; i++)
                {
                    if (i > 0) text.Append(',');
                    Js(list[i], text, depth + 1);
                }
                text.Append(']');
                break;
            case ValueKind.Map:
                text.Append('{');
                bool more = false;
                foreach (var (key, element) in TemplateValue.MapOf(value!).Sorted())
                {
                    if (more) text.Append(',');
                    Quote(key, text);
                    text.Append(':');
                    Js(element, text, depth + 1);
                    more = true;
                }
                text.Append('}');
                break;
            default:
                Quote(GoFormat.Value(value), text);
                break;
        }
    }

    private static void Quote(string content, StringBuilder text)
    {
        text.Append('"');
        foreach (char c in content)
        {
            if (c is '"' or '\\' or '<' or '>' or '&' or '\'' or '\u2028' or '\u2029' or < ' ') text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else text.Append(c);
        }
        text.Append('"');
    }
}
