using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Pharos.Collector.Discovery;

/// <summary>Where names are looked up.</summary>
/// <param name="Servers">Asked in turn until one answers.</param>
/// <param name="Search">Domains that are appended to names with fewer than <paramref name="Dots"/> dots first, to others last.</param>
internal sealed record DnsSettings(IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Search, int Dots)
{
    /// <summary>What the machine's resolv.conf says.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static DnsSettings OfMachine() => Parse(File.ReadAllLines("/etc/resolv.conf"));

    public static DnsSettings Parse(IEnumerable<string> lines)
    {
        var servers = new List<IPEndPoint>();
        IReadOnlyList<string> search = [];
        int dots = 1;
        foreach (string line in lines)
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var address, ..] when IPAddress.TryParse(address, out var server):
                    servers.Add(new IPEndPoint(server, 53));
                    break;
                case ["search" or "domain", .. var domains]:
                    search = domains;
                    break;
                case ["options", .. var options]:
                    foreach (string option in options)
                    {
                        if (option.StartsWith("ndots:", StringComparison.Ordinal) && int.TryParse(option.AsSpan(6), out int given)) dots = given;
                    }
                    break;
            }
        }
        return new DnsSettings(servers, search, dots);
    }

    /// <summary>The names to try, in order, for one that somebody wrote.</summary>
    public IEnumerable<string> Names(string name)
    {
        if (name.EndsWith('.')) return [name];
        var inDomains = Search.Select(domain => $"{name}.{domain.TrimStart('.')}");
        return name.Count(c => c == '.') >= Dots ? [name, .. inDomains] : [.. inDomains, name];
    }
}

/// <summary>Looks records up at DNS servers: over UDP, and over TCP where an answer does not fit.</summary>
internal sealed class DnsClient(Func<DnsSettings> settings, TimeProvider time)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    private int lastId;

    /// <summary>The records of a name; none where every server says that it does not exist, under no domain of the search path.</summary>
    /// <exception cref="IOException">It is not known: for one name of the search path no server gave a usable answer.</exception>
    public async Task<IReadOnlyList<DnsRecord>> LookUpAsync(string name, DnsRecordType type, CancellationToken cancel)
    {
        var where = settings();
        string? failure = where.Servers.Count == 0 ? "no name server is set" : null;
        foreach (string whole in where.Names(name))
        {
            var (records, error) = await AskAnyAsync(where.Servers, whole, type, cancel);
            if (records is { } found) return found;
            failure ??= error;
        }
        return failure is null ? [] : throw new IOException($"\"{name}\" could not be looked up: {failure}");
    }

    /// <returns>No records and no error: the name does not exist.</returns>
    private async Task<(IReadOnlyList<DnsRecord>? Records, string? Error)> AskAnyAsync(IReadOnlyList<IPEndPoint> servers, string name, DnsRecordType type, CancellationToken cancel)
    {
        string? error = null;
        foreach (var server in servers)
        {
            try
            {
                byte[] answer = await AskAsync(server, name, type, cancel);
                int code = DnsMessage.CodeOf(answer);
                if (code == 0) return (DnsMessage.Records(answer, type), null);
                if (code == DnsMessage.NoSuchName) return (null, null);
                error = $"{server} answered with code {code}";
            }
            catch (Exception e) when (e is SocketException or IOException or FormatException)
            {
                error = $"{server}: {e.Message}";
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                error = $"{server} did not answer within {AnswerTimeout.TotalSeconds:0} s";
            }
        }
        return (null, error);
    }

    private async Task<byte[]> AskAsync(IPEndPoint server, string name, DnsRecordType type, CancellationToken cancel)
    {
        ushort id = (ushort)Interlocked.Increment(ref lastId);
        byte[] question = DnsMessage.Question(id, name, type);
        using var timeout = new CancellationTokenSource(AnswerTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        byte[] answer = await OverUdpAsync(server, id, question, both.Token);
        return DnsMessage.IsTruncated(answer) ? await OverTcpAsync(server, id, question, both.Token) : answer;
    }

    private static async Task<byte[]> OverUdpAsync(IPEndPoint server, ushort id, byte[] question, CancellationToken cancel)
    {
        // Connected, so that only this server can answer, on a port that the system picks at random.
        using var socket = new UdpClient(server.AddressFamily);
        socket.Connect(server);
        await socket.SendAsync(question, cancel);
        while (true)
        {
            var received = await socket.ReceiveAsync(cancel);
            if (DnsMessage.Answers(received.Buffer, id)) return received.Buffer;
        }
    }

    private static async Task<byte[]> OverTcpAsync(IPEndPoint server, ushort id, byte[] question, CancellationToken cancel)
    {
        using var client = new TcpClient(server.AddressFamily);
        await client.ConnectAsync(server, cancel);
        await using var stream = client.GetStream();
        var framed = new byte[question.Length + 2];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, 2);
        await stream.WriteAsync(framed, cancel);
        var head = new byte[2];
        await stream.ReadExactlyAsync(head, cancel);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
        await stream.ReadExactlyAsync(answer, cancel);
        return DnsMessage.Answers(answer, id) && !DnsMessage.IsTruncated(answer) ? answer : throw new FormatException("the answer over TCP does not belong to the question");
    }
}
