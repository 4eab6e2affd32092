using System.Globalization;
using System.Text;

namespace Pharos.Alerting;

/// <summary>Writes a mail: headers in ASCII, then text and HTML as alternatives, quoted-printable.</summary>
internal static class MailMessage
{
    private const int LineMax = 76;

    public static string Write(IEnumerable<(string Name, string Value)> headers, string text, string html, string boundary)
    {
        var mail = new StringBuilder();
        foreach (var (name, value) in headers) mail.Append(name).Append(": ").Append(EncodeHeader(value)).Append("\r\n");
        mail.Append("Content-Type: multipart/alternative;  boundary=").Append(boundary).Append("\r\n");
        mail.Append("MIME-Version: 1.0\r\n\r\n");
        // The last alternative is the one a reader's program prefers (RFC 2046, 5.1.4), so HTML comes last.
        if (text.Length > 0) Part(mail, boundary, "text/plain", text);
        if (html.Length > 0) Part(mail, boundary, "text/html", html);
        return mail.Append("--").Append(boundary).Append("--\r\n").ToString();
    }

    /// <summary>RFC 2047 "Q" encoding where the text is not plain ASCII.</summary>
    public static string EncodeHeader(string value)
    {
        if (value.All(c => c is >= ' ' and <= '~' or '\t')) return value;
        var words = new StringBuilder();
        var word = new StringBuilder();
        foreach (var rune in value.EnumerateRunes())
        {
            string encoded = Q(rune);
            if (word.Length + encoded.Length > 75 - "=?utf-8?q??=".Length) Flush(words, word);
            word.Append(encoded);
        }
        Flush(words, word);
        return words.ToString();
    }

    public static string QuotedPrintable(string text)
    {
        var encoded = new StringBuilder(text.Length + 64);
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int l = 0; l < lines.Length; l++)
        {
            int column = 0;
            byte[] bytes = Encoding.UTF8.GetBytes(lines[l]);
            for (int i = 0; i < bytes.Length; i++)
            {
                byte b = bytes[i];
                bool last = i == bytes.Length - 1;
                bool plain = b is >= 33 and <= 126 and not (byte)'=' || (b is (byte)' ' or (byte)'\t' && !last);
                int size = plain ? 1 : 3;
                if (column + size > LineMax - 1)
                {
                    encoded.Append("=\r\n");
                    column = 0;
                }
                if (plain) encoded.Append((char)b);
                else encoded.Append(CultureInfo.InvariantCulture, $"={b:X2}");
                column += size;
            }
            if (l < lines.Length - 1) encoded.Append("\r\n");
        }
        return encoded.ToString();
    }

    /// <summary>Name and address of each mailbox of a list such as <c>Ann &lt;ann@example.org&gt;, bob@example.org</c>.</summary>
    /// <exception cref="NotifyException">Not a list of addresses.</exception>
    public static List<string> Addresses(string list, string header)
    {
        try
        {
            var parsed = new System.Net.Mail.MailAddressCollection { list.Trim().TrimEnd(',') };
            return [.. parsed.Select(a => a.Address)];
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new NotifyException($"parse '{header}' addresses: {e.Message}");
        }
    }

    private static void Part(StringBuilder mail, string boundary, string type, string content) =>
        mail.Append("--").Append(boundary).Append("\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: ").Append(type)
            .Append("; charset=UTF-8\r\n\r\n").Append(QuotedPrintable(content)).Append("\r\n");

    private static string Q(Rune rune)
    {
        if (rune.Value == ' ') return "_";
        if (rune.Value is > ' ' and <= '~' and not ('=' or '?' or '_')) return rune.ToString();
        var text = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(rune.ToString())) text.Append(CultureInfo.InvariantCulture, $"={b:X2}");
        return text.ToString();
    }

    private static void Flush(StringBuilder words, StringBuilder word)
    {
        if (word.Length == 0) return;
        if (words.Length > 0) words.Append("\r\n ");
        words.Append("=?utf-8?q?").Append(word).Append("?=");
        word.Clear();
    }
}
