using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pharos.Alerting.Tests.Receivers;

/// <summary>A mail server for one test: takes what it is sent and remembers it.</summary>
internal sealed class SmtpServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private readonly string[] extensions;
    private readonly X509Certificate2 certificate = Certificate();

    public SmtpServer(params string[] extensions)
    {
        this.extensions = extensions;
        listener.Start();
        running = RunAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;
    public List<string> Commands { get; } = [];
    public List<string> Messages { get; } = [];

    /// <summary>The answer to <c>RCPT TO</c>.</summary>
    public string RecipientAnswer { get; set; } = "250 ok";

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        certificate.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            using var client = await listener.AcceptTcpClientAsync(stop.Token);
            try
            {
                await TalkAsync(client.GetStream());
            }
            catch (IOException)
            {
                // The client left.
            }
        }
    }

    private async Task TalkAsync(Stream stream)
    {
        await SendAsync(stream, "220 test");
        bool encrypted = false;
        while (await LineAsync(stream) is { } line)
        {
            lock (Commands) Commands.Add(line);
            string verb = line.Split(' ')[0].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO":
                    var offered = extensions.Where(e => !encrypted || e != "STARTTLS").ToList();
                    await SendAsync(stream, string.Join("\r\n", offered.Prepend("hello").Select((e, i) => $"250{(i == offered.Count ? ' ' : '-')}{e}")));
                    break;
                case "STARTTLS":
                    await SendAsync(stream, "220 go");
                    var ssl = new SslStream(stream);
                    await ssl.AuthenticateAsServerAsync(certificate);
                    (stream, encrypted) = (ssl, true);
                    break;
                case "AUTH" when line.EndsWith("LOGIN", StringComparison.Ordinal):
                    await SendAsync(stream, "334 VXNlcm5hbWU6");
                    await AnswerAsync(stream);
                    await SendAsync(stream, "334 UGFzc3dvcmQ6");
                    await AnswerAsync(stream);
                    await SendAsync(stream, "235 welcome");
                    break;
                case "AUTH" when line.EndsWith("CRAM-MD5", StringComparison.Ordinal):
                    await SendAsync(stream, "334 " + Convert.ToBase64String("<1@test>"u8));
                    await AnswerAsync(stream);
                    await SendAsync(stream, "235 welcome");
                    break;
                case "AUTH":
                    await SendAsync(stream, "235 welcome");
                    break;
                case "RCPT":
                    await SendAsync(stream, RecipientAnswer);
                    break;
                case "DATA":
                    await SendAsync(stream, "354 go on");
                    var message = new StringBuilder();
                    while (await LineAsync(stream) is { } text && text != ".") message.Append(text.StartsWith('.') ? text[1..] : text).Append('\n');
                    lock (Messages) Messages.Add(message.ToString());
                    await SendAsync(stream, "250 taken");
                    break;
                case "QUIT":
                    await SendAsync(stream, "221 bye");
                    return;
                default:
                    await SendAsync(stream, "250 ok");
                    break;
            }
        }
    }

    private async Task AnswerAsync(Stream stream)
    {
        string? line = await LineAsync(stream);
        lock (Commands) Commands.Add("= " + Encoding.UTF8.GetString(Convert.FromBase64String(line!)));
    }

    private async Task SendAsync(Stream stream, string line) => await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), stop.Token);

    private async Task<string?> LineAsync(Stream stream)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one, stop.Token) == 1)
        {
            if (one[0] == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
            line.Add(one[0]);
        }
        return null;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
