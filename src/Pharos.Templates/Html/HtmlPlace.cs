using System.Text;

namespace Pharos.Templates.Html;

internal enum HtmlState
{
    Text,

    /// <summary>Inside title or textarea: no tags, but references.</summary>
    PlainElement,
    Comment,
    Tag,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Value,
    Script,
    ScriptString,
    Style,
}

internal enum HtmlAttribute
{
    Plain,
    Url,
    Script,
    Style,
}

internal enum UrlPart
{
    Start,
    BeforeQuery,
    QueryOrFragment,
}

/// <summary>Where in an HTML document the writer stands; moved on by the author's own text.</summary>
internal sealed class HtmlPlace
{
    private readonly StringBuilder name = new();
    private string element = "";
    private bool closing;
    private char scriptQuote;

    public HtmlState State { get; private set; } = HtmlState.Text;

    public HtmlAttribute Attribute { get; private set; }

    /// <summary>The quote around the current attribute's value; NUL for none.</summary>
    public char Quote { get; private set; }

    public UrlPart UrlPart { get; private set; }

    public static HtmlAttribute AttributeKind(string attribute)
    {
        int colon = attribute.IndexOf(':');
        if (colon >= 0) attribute = attribute[(colon + 1)..];
        if (attribute.StartsWith("data-", StringComparison.Ordinal)) attribute = attribute[5..];
        if (attribute.StartsWith("on", StringComparison.Ordinal)) return HtmlAttribute.Script;
        return attribute switch
        {
            "style" => HtmlAttribute.Style,
            "action" or "archive" or "background" or "cite" or "classid" or "codebase" or "data" or "formaction" or "href" or "icon"
                or "longdesc" or "manifest" or "poster" or "profile" or "src" or "usemap" or "xmlns" => HtmlAttribute.Url,
            _ when attribute.Contains("src", StringComparison.Ordinal) || attribute.Contains("uri", StringComparison.Ordinal)
                || attribute.Contains("url", StringComparison.Ordinal) => HtmlAttribute.Url,
            _ => HtmlAttribute.Plain,
        };
    }

    /// <summary>A value was written here.</summary>
    public void AfterValue(string text)
    {
        if (State == HtmlState.BeforeValue) BeginValue('\0');
        if (State != HtmlState.Value || Attribute != HtmlAttribute.Url) return;
        if (text.AsSpan().IndexOfAny('?', '#') >= 0) UrlPart = UrlPart.QueryOrFragment;
        else if (UrlPart == UrlPart.Start && text.Length > 0) UrlPart = UrlPart.BeforeQuery;
    }

    /// <summary>Moves over the author's text; returns it without comments.</summary>
    public string Advance(string text)
    {
        var kept = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            i = State switch
            {
                HtmlState.Text => InText(text, i, kept),
                HtmlState.Comment => InComment(text, i),
                HtmlState.PlainElement or HtmlState.Style => InRawElement(text, i, kept),
                HtmlState.Script or HtmlState.ScriptString => InScript(text, i, kept),
                _ => InTag(text, i, kept),
            };
        }
        return kept.ToString();
    }

    private int InText(string text, int i, StringBuilder kept)
    {
        if (text[i] != '<')
        {
            kept.Append(text[i]);
            return i + 1;
        }
        if (string.CompareOrdinal(text, i, "<!--", 0, 4) == 0)
        {
            State = HtmlState.Comment;
            return i + 4;
        }
        int letter = i + 1;
        closing = letter < text.Length && text[letter] == '/';
        if (closing) letter++;
        if (letter < text.Length && char.IsAsciiLetter(text[letter]))
        {
            int end = letter;
            while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is ':' or '-')) end++;
            element = text[letter..end].ToLowerInvariant();
            State = HtmlState.Tag;
            kept.Append(text, i, end - i);
            return end;
        }
        // A lone angle bracket is text, and is written as such; a doctype stays.
        kept.Append(letter < text.Length && text[letter] is '!' or '?' ? "<" : "&lt;");
        return i + 1;
    }

    private int InComment(string text, int i)
    {
        int end = text.IndexOf("-->", i, StringComparison.Ordinal);
        if (end < 0) return text.Length;
        State = HtmlState.Text;
        return end + 3;
    }

    private int InTag(string text, int i, StringBuilder kept)
    {
        char c = text[i];
        switch (State)
        {
            case HtmlState.Tag:
                if (c == '>')
                {
                    EndTag();
                }
                else if (!char.IsWhiteSpace(c) && c != '/')
                {
                    name.Clear();
                    State = HtmlState.AttributeName;
                    return i;
                }
                break;
            case HtmlState.AttributeName:
                if (char.IsWhiteSpace(c)) State = HtmlState.AfterAttributeName;
                else if (c == '=') State = HtmlState.BeforeValue;
                else if (c is '>' or '/')
                {
                    State = HtmlState.Tag;
                    return i;
                }
                else name.Append(char.ToLowerInvariant(c));
                break;
            case HtmlState.AfterAttributeName:
                if (c == '=')
                {
                    State = HtmlState.BeforeValue;
                }
                else if (!char.IsWhiteSpace(c))
                {
                    State = HtmlState.Tag;
                    return i;
                }
                break;
            case HtmlState.BeforeValue:
                if (char.IsWhiteSpace(c)) break;
                if (c == '>')
                {
                    State = HtmlState.Tag;
                    return i;
                }
                BeginValue(c is '"' or '\'' ? c : '\0');
                if (Quote == '\0') return i;
                break;
            case HtmlState.Value:
                bool ends = Quote == '\0' ? char.IsWhiteSpace(c) || c == '>' : c == Quote;
                if (ends)
                {
                    State = HtmlState.Tag;
                    if (Quote == '\0') return i;
                    break;
                }
                if (Attribute == HtmlAttribute.Url)
                {
                    if (c is '?' or '#') UrlPart = UrlPart.QueryOrFragment;
                    else if (UrlPart == UrlPart.Start) UrlPart = UrlPart.BeforeQuery;
                }
                break;
        }
        kept.Append(c);
        return i + 1;
    }

    private void BeginValue(char quote)
    {
        State = HtmlState.Value;
        Quote = quote;
        Attribute = AttributeKind(name.ToString());
        UrlPart = UrlPart.Start;
    }

    private void EndTag()
    {
        State = closing ? HtmlState.Text : element switch
        {
            "script" => HtmlState.Script,
            "style" => HtmlState.Style,
            "textarea" or "title" => HtmlState.PlainElement,
            _ => HtmlState.Text,
        };
    }

    private bool EndsElement(string text, int i) =>
        text[i] == '<' && i + 1 < text.Length && text[i + 1] == '/'
        && string.Compare(text, i + 2, element, 0, element.Length, StringComparison.OrdinalIgnoreCase) == 0;

    private int InRawElement(string text, int i, StringBuilder kept)
    {
        if (EndsElement(text, i))
        {
            State = HtmlState.Text;
            return i;
        }
        kept.Append(text[i]);
        return i + 1;
    }

    private int InScript(string text, int i, StringBuilder kept)
    {
        if (EndsElement(text, i))
        {
            State = HtmlState.Text;
            return i;
        }
        char c = text[i];
        kept.Append(c);
        if (State == HtmlState.Script)
        {
            if (c is '"' or '\'' or '`')
            {
                scriptQuote = c;
                State = HtmlState.ScriptString;
            }
            return i + 1;
        }
        if (c == '\\' && i + 1 < text.Length)
        {
            kept.Append(text[i + 1]);
            return i + 2;
        }
        if (c == scriptQuote) State = HtmlState.Script;
        return i + 1;
    }
}
