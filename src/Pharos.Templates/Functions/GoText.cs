using System.Globalization;
using System.Net;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates;

/// <summary>Text functions that rule, notification and log templates share.</summary>
public static class GoText
{
    private const int TextMax = 16 << 20;
    private const int RegexCacheMax = 1000;

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, LinearRegex> Regexes = new(StringComparer.Ordinal);

    /// <summary>Go's strings.Title: the first letter of each word in upper case.</summary>
    public static string Title(string text)
    {
        var titled = new StringBuilder(text.Length);
        bool wordBefore = false;
        foreach (var rune in text.EnumerateRunes())
        {
            titled.Append((wordBefore ? rune : Rune.ToUpperInvariant(rune)).ToString());
            wordBefore = Rune.IsLetterOrDigit(rune) || rune.Value == '_' || (rune.Value > 127 && !Rune.IsWhiteSpace(rune));
        }
        return titled.ToString();
    }

    /// <summary>Does the RE2 expression match anywhere in the text?</summary>
    /// <exception cref="TemplateFunctionException">The expression is not RE2.</exception>
    public static bool Match(string pattern, string text) => Regex(pattern).IsMatch(text);

    /// <summary>Replaces every match; <c>$1</c> and <c>${name}</c> stand for groups.</summary>
    /// <inheritdoc cref="Match"/>
    /// <param name="watch">Called after each match; may throw <see cref="TemplateFunctionException"/>.</param>
    public static string ReReplaceAll(string pattern, string replacement, string text, Action? watch = null)
    {
        var regex = Regex(pattern);
        var result = new StringBuilder();
        int from = 0;
        foreach (var match in Matches(regex, text, watch))
        {
            if ((long)replacement.Length * (match.Length + 1L) > TextMax * 4L) throw new TemplateFunctionException($"text is longer than {TextMax} characters");
            result.Append(text, from, match.Index - from).Append(regex.Expand(replacement, match));
            if (result.Length > TextMax) throw new TemplateFunctionException($"text is longer than {TextMax} characters");
            from = match.Index + match.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>All matches that do not overlap, one by one.</summary>
    /// <param name="watch">Called after each match.</param>
    public static IEnumerable<RegexMatch> Matches(LinearRegex regex, string text, Action? watch)
    {
        foreach (var match in regex.Matches(text))
        {
            watch?.Invoke();
            yield return match;
        }
    }

    /// <summary>A compiled expression, kept for the next use.</summary>
    /// <inheritdoc cref="Match"/>
    public static LinearRegex Regex(string pattern)
    {
        if (Regexes.TryGetValue(pattern, out var known)) return known;
        if (!LinearRegex.TryCreate(pattern, anchored: false, dotMatchesNewline: false, out var regex, out string? error)) throw new TemplateFunctionException(error);
        if (Regexes.Count >= RegexCacheMax) Regexes.Clear();
        return Regexes[pattern] = regex;
    }

    /// <summary><c>host:port</c> without the port; other text as it is.</summary>
    public static string StripPort(string hostPort) => TrySplitHostPort(hostPort, out string host, out _) ? host : hostPort;

    /// <summary>The first part of a host name, its port kept; IP addresses as they are.</summary>
    public static string StripDomain(string hostPort)
    {
        if (!TrySplitHostPort(hostPort, out string host, out string port)) host = hostPort;
        if (IPAddress.TryParse(host, out _) && (host.Contains(':') || host.Count(c => c == '.') == 3)) return hostPort;
        host = host.Split('.')[0];
        return port.Length > 0 ? JoinHostPort(host, port) : host;
    }

    /// <summary>Go's net.SplitHostPort.</summary>
    public static bool TrySplitHostPort(string hostPort, out string host, out string port)
    {
        (host, port) = ("", "");
        int colon = hostPort.LastIndexOf(':');
        if (colon < 0) return false;
        if (hostPort[0] == '[')
        {
            int close = hostPort.IndexOf(']');
            if (close < 0 || close + 1 != colon) return false;
            host = hostPort[1..close];
            if (hostPort.LastIndexOf('[') > 0 || hostPort.IndexOf(']', close + 1) >= 0) return false;
        }
        else
        {
            host = hostPort[..colon];
            if (host.Contains(':') || hostPort.AsSpan().IndexOfAny('[', ']') >= 0) return false;
        }
        port = hostPort[(colon + 1)..];
        return true;
    }

    /// <summary>Go's url.QueryEscape: a space becomes <c>+</c>.</summary>
    public static string UrlQueryEscape(string text) => Execution.Builtins.UrlQuery(text);

    /// <summary>Go's url.QueryUnescape.</summary>
    /// <exception cref="TemplateFunctionException">A percent sign without two hexadecimal digits.</exception>
    public static string UrlQueryUnescape(string text)
    {
        var bytes = new List<byte>(text.Length);
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        for (int i = 0; i < utf8.Length; i++)
        {
            if (utf8[i] == '+')
            {
                bytes.Add((byte)' ');
            }
            else if (utf8[i] == '%')
            {
                if (i + 2 >= utf8.Length || !char.IsAsciiHexDigit((char)utf8[i + 1]) || !char.IsAsciiHexDigit((char)utf8[i + 2]))
                    throw new TemplateFunctionException($"invalid URL escape {GoString.Quote(Encoding.UTF8.GetString(utf8.AsSpan(i, Math.Min(3, utf8.Length - i))))}");
                bytes.Add(byte.Parse($"{(char)utf8[i + 1]}{(char)utf8[i + 2]}", NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
            else
            {
                bytes.Add(utf8[i]);
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static string JoinHostPort(string host, string port) => host.Contains(':') ? $"[{host}]:{port}" : $"{host}:{port}";
}
