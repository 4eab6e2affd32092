using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Pharos.Alerting;

/// <summary>One SMTP conversation over TCP or TLS (RFC 5321, 3207, 4954).</summary>
internal sealed class SmtpClient : IAsyncDisposable
{
    private const int ReplyCharsMax = 64 * 1024;

    private readonly TcpClient tcp;
    private Stream stream;
    private readonly byte[] one = new byte[4096];
    private int have, at;

    private SmtpClient(TcpClient tcp, Stream stream)
    {
        this.tcp = tcp;
        this.stream = stream;
    }

    /// <summary>What the server offers, by upper-case name; the value is the rest of its line.</summary>
    public Dictionary<string, string> Extensions { get; } = new(StringComparer.OrdinalIgnoreCase);

    public bool IsEncrypted => stream is SslStream;

    /// <exception cref="NotifyException">The server refused.</exception>
    public static async Task<SmtpClient> ConnectAsync(HostPort host, bool implicitTls, TlsOptions tls, ReceiverFirewall firewall, CancellationToken cancel)
    {
        if (!int.TryParse(host.Port, NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > 65535)
            throw new NotifyException($"{host.Port} is no port number");
        var tcp = new TcpClient { NoDelay = true };
        try
        {
            await tcp.ConnectAsync(await firewall.ResolveAsync(host.Host, cancel), port, cancel);
            var client = new SmtpClient(tcp, tcp.GetStream());
            if (implicitTls) await client.EncryptAsync(host.Host, tls, cancel);
            await client.ExpectAsync("greeting", 220, cancel);
            return client;
        }
        catch
        {
            tcp.Dispose();
            throw;
        }
    }

    public async Task HelloAsync(string name, CancellationToken cancel)
    {
        await WriteAsync($"EHLO {Line(name)}", cancel);
        var (code, lines) = await ReadAsync(cancel);
        Extensions.Clear();
        if (code != 250)
        {
            await CommandAsync($"HELO {Line(name)}", 250, cancel);
            return;
        }
        foreach (string line in lines.Skip(1))
        {
            int space = line.IndexOf(' ');
            Extensions[space < 0 ? line : line[..space]] = space < 0 ? "" : line[(space + 1)..];
        }
    }

    public async Task StartTlsAsync(string host, TlsOptions tls, CancellationToken cancel)
    {
        await CommandAsync("STARTTLS", 220, cancel);
        // Bytes that came before the handshake could have been put there by someone in between.
        if (at < have) throw new NotifyException("the server sent data before the TLS handshake");
        await EncryptAsync(host, tls, cancel);
    }

    public async Task AuthPlainAsync(string identity, string user, string password, CancellationToken cancel) =>
        await CommandAsync($"AUTH PLAIN {Base64($"{identity}\0{user}\0{password}")}", 235, cancel, "AUTH PLAIN");

    public async Task AuthLoginAsync(string user, string password, CancellationToken cancel)
    {
        await CommandAsync("AUTH LOGIN", 334, cancel);
        await CommandAsync(Base64(user), 334, cancel, "AUTH LOGIN user name");
        await CommandAsync(Base64(password), 235, cancel, "AUTH LOGIN password");
    }

    public async Task AuthCramMd5Async(string user, string secret, CancellationToken cancel)
    {
        string challenge = await CommandAsync("AUTH CRAM-MD5", 334, cancel);
        byte[] text = Convert.FromBase64String(challenge.Trim());
#pragma warning disable CA5351 // The mechanism's definition (RFC 2195) names MD5; it is used only where the server asks for it.
        string digest = Convert.ToHexStringLower(HMACMD5.HashData(Encoding.UTF8.GetBytes(secret), text));
#pragma warning restore CA5351
        await CommandAsync(Base64($"{user} {digest}"), 235, cancel, "AUTH CRAM-MD5 answer");
    }

    public async Task SendAsync(string from, IEnumerable<string> to, string message, CancellationToken cancel)
    {
        await CommandAsync($"MAIL FROM:<{Line(from)}>", 250, cancel);
        foreach (string address in to) await CommandAsync($"RCPT TO:<{Line(address)}>", 250, cancel);
        await CommandAsync("DATA", 354, cancel);
        var data = new StringBuilder(message.Length + 64);
        foreach (string line in message.TrimEnd().ReplaceLineEndings("\n").Split('\n'))
        {
            if (line.StartsWith('.')) data.Append('.');
            data.Append(line).Append("\r\n");
        }
        data.Append(".\r\n");
        await stream.WriteAsync(Encoding.UTF8.GetBytes(data.ToString()), cancel);
        await ExpectAsync("message", 250, cancel);
    }

    public async Task QuitAsync(CancellationToken cancel)
    {
        await WriteAsync("QUIT", cancel);
        await ReadAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        tcp.Dispose();
    }

    private async Task<string> CommandAsync(string command, int expected, CancellationToken cancel, string? shown = null)
    {
        await WriteAsync(command, cancel);
        return await ExpectAsync(shown ?? command, expected, cancel);
    }

    private async Task<string> ExpectAsync(string what, int expected, CancellationToken cancel)
    {
        var (code, lines) = await ReadAsync(cancel);
        if (code == expected || (expected == 250 && code == 251)) return string.Join('\n', lines);
        // 4xx replies are transient by definition (RFC 5321, 4.2.1).
        throw new NotifyException($"{what}: server answered {code} {string.Join(' ', lines)}", retry: code / 100 == 4,
            code is 530 or 534 or 535 ? FailureReason.AuthError : code / 100 == 4 ? FailureReason.ServerError : FailureReason.ClientError);
    }

    private async Task WriteAsync(string line, CancellationToken cancel) => await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), cancel);

    private async Task<(int Code, List<string> Lines)> ReadAsync(CancellationToken cancel)
    {
        var lines = new List<string>();
        int size = 0;
        while (true)
        {
            string line = await ReadLineAsync(cancel);
            size += line.Length;
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int code) || size > ReplyCharsMax)
                throw new NotifyException($"the server does not speak SMTP: {Limits.Runes(line, 80)}");
            lines.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length == 3 || line[3] != '-') return (code, lines);
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancel)
    {
        var line = new List<byte>(80);
        while (line.Count < ReplyCharsMax)
        {
            if (at == have)
            {
                have = await stream.ReadAsync(one, cancel);
                at = 0;
                if (have == 0) throw new IOException("the SMTP server closed the connection");
            }
            byte b = one[at++];
            if (b == '\n') break;
            if (b != '\r') line.Add(b);
        }
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(line));
    }

    private async Task EncryptAsync(string host, TlsOptions tls, CancellationToken cancel)
    {
        var ssl = new SslStream(stream);
        try
        {
            await ssl.AuthenticateAsClientAsync(Alerting.Tls.ClientOptions(tls, host), cancel);
        }
        catch (System.Security.Authentication.AuthenticationException e)
        {
            throw new NotifyException($"TLS: {e.Message}", reason: FailureReason.ClientError);
        }
        stream = ssl;
    }

    /// <summary>A text that stays within its line.</summary>
    private static string Line(string text) => text.AsSpan().IndexOfAny('\r', '\n') < 0 ? text : throw new NotifyException("a line break in an address");

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
