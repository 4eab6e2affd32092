using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pharos.Cli.Demo;

/// <summary>A mail server that takes every message, checks its shape and keeps it (RFC 5321 without extensions).</summary>
internal sealed class SmtpSink(TimeProvider time, BusyMeter busy, Action<Received> keep) : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private Task accepting = Task.CompletedTask;

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public void Start()
    {
        listener.Start();
        accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        listener.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptTcpClientAsync(stopping.Token);
                _ = Task.Run(() => ServeAsync(client));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var work = busy.Enter();
        using var connection = client;
        try
        {
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.UTF8);
            await using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\r\n" };
            await writer.WriteLineAsync("220 demo.invalid ready");
            string from = "", to = "";
            while (await reader.ReadLineAsync(stopping.Token) is { } line)
            {
                string verb = line.Length >= 4 ? line[..4].ToUpperInvariant() : line;
                switch (verb)
                {
                    case "EHLO" or "HELO":
                        await writer.WriteLineAsync("250 demo.invalid");
                        break;
                    case "MAIL":
                        from = line;
                        await writer.WriteLineAsync("250 ok");
                        break;
                    case "RCPT":
                        to = line;
                        await writer.WriteLineAsync("250 ok");
                        break;
                    case "DATA":
                        await writer.WriteLineAsync("354 go on");
                        string message = await ReadMessageAsync(reader);
                        string? problem = Check(from, to, message, out string subject);
                        keep(new Received(time.GetUtcNow(), "smtp", subject, message, problem));
                        await writer.WriteLineAsync(problem is null ? "250 queued" : $"554 {problem}");
                        break;
                    case "QUIT":
                        await writer.WriteLineAsync("221 bye");
                        return;
                    default:
                        await writer.WriteLineAsync("250 ok");
                        break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away, or the demo ends.
        }
    }

    private async Task<string> ReadMessageAsync(StreamReader reader)
    {
        var message = new StringBuilder();
        while (await reader.ReadLineAsync(stopping.Token) is { } line && line != ".")
        {
            message.Append(line.StartsWith("..", StringComparison.Ordinal) ? line[1..] : line).Append('\n');
        }
        return message.ToString();
    }

    private static string? Check(string from, string to, string message, out string subject)
    {
        string headers = message.Split("\n\n", 2)[0];
        subject = headers.Split('\n').FirstOrDefault(h => h.StartsWith("Subject:", StringComparison.OrdinalIgnoreCase))?[8..].Trim() ?? "";
        if (!from.Contains('@') || !to.Contains('@')) return "sender or recipient is missing";
        if (subject.Length == 0) return "subject is missing";
        return headers.Contains("MIME-Version", StringComparison.OrdinalIgnoreCase) ? null : "not a MIME message";
    }
}
