using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Pharos.Collector.Discovery;

/// <summary>
/// A session with a ZooKeeper server: reads nodes and leaves watches on them. A session that breaks is not mended; another is opened.
/// </summary>
internal sealed class ZooKeeperSession : IAsyncDisposable
{
    /// <summary>A node holds at most a megabyte; names of children may take more.</summary>
    private const int MessageBytesMax = 16 << 20;

    private readonly TcpClient tcp;
    private readonly NetworkStream stream;
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<byte[]>> waiting = new();
    private readonly Action changed;
    private readonly TimeProvider time;
    private Task running = Task.CompletedTask;
    private volatile Exception? ended;
    private int lastNumber;

    private ZooKeeperSession(TcpClient tcp, TimeProvider time, Action changed)
    {
        this.tcp = tcp;
        this.time = time;
        this.changed = changed;
        stream = tcp.GetStream();
    }

    /// <summary>Why the session broke; null while it goes on.</summary>
    public Exception? Ended => ended;

    /// <param name="server">host or host:port.</param>
    /// <param name="timeout">For the connection, and of the session.</param>
    /// <param name="changed">Called when a watched node changed.</param>
    /// <exception cref="IOException">The server does not answer, or refuses a session.</exception>
    public static async Task<ZooKeeperSession> OpenAsync(string server, TimeSpan timeout, TimeProvider time, Action changed, CancellationToken cancel)
    {
        int colon = server.LastIndexOf(':');
        bool withPort = colon > server.LastIndexOf(']') && server.AsSpan().Count(':') is 1 || server.Contains("]:", StringComparison.Ordinal);
        string host = (withPort ? server[..colon] : server).Trim('[', ']');
        int port = withPort && int.TryParse(server[(colon + 1)..], out int given) ? given : 2181;
        using var limit = new CancellationTokenSource(timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var tcp = new TcpClient();
        ZooKeeperSession? session = null;
        try
        {
            await tcp.ConnectAsync(host, port, both.Token);
            session = new ZooKeeperSession(tcp, time, changed);
            await session.WriteAsync(ZooKeeperWire.Connect(timeout), both.Token);
            byte[] answer = await session.ReadAsync(both.Token);
            int granted = answer.Length >= 8 ? BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(4)) : 0;
            if (granted <= 0) throw new DiscoveryException($"{server} refuses a session");
            session.Start(TimeSpan.FromMilliseconds(granted / 3.0));
            return session;
        }
        catch
        {
            if (session is null) tcp.Dispose();
            else await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node's data; null where there is no such node.</summary>
    public async Task<byte[]?> DataAsync(string path, CancellationToken cancel) =>
        await AskAsync(ZooKeeperWire.GetData, path, cancel) is { } answer ? ZooKeeperWire.Data(answer) : null;

    /// <summary>The names of a node's children, sorted; null where there is no such node.</summary>
    public async Task<IReadOnlyList<string>?> ChildrenAsync(string path, CancellationToken cancel) =>
        await AskAsync(ZooKeeperWire.GetChildren, path, cancel) is { } answer ? [.. ZooKeeperWire.Children(answer).Order(StringComparer.Ordinal)] : null;

    /// <summary>Whether there is such a node; its coming and going is watched.</summary>
    public async Task<bool> ExistsAsync(string path, CancellationToken cancel) => await AskAsync(ZooKeeperWire.Exists, path, cancel) is not null;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        tcp.Dispose();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
        writing.Dispose();
    }

    private void Start(TimeSpan ping)
    {
        running = RunAsync(ping);
    }

    private async Task RunAsync(TimeSpan ping)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var pinging = PingAsync(ping, end.Token);
        try
        {
            while (true) Take(await ReadAsync(stopping.Token));
        }
        catch (Exception e) when (e is IOException or FormatException or ObjectDisposedException or OperationCanceledException)
        {
            // First the cause, then those who wait: who comes later sees it.
            ended = new DiscoveryException($"the session with ZooKeeper ended: {e.Message}", e);
            foreach (var answer in waiting.Values) answer.TrySetException(ended);
            changed();
        }
        finally
        {
            await end.CancelAsync();
            await pinging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Take(byte[] message)
    {
        var (number, _) = ZooKeeperWire.Head(message);
        if (number == ZooKeeperWire.WatchEvent) changed();
        else if (waiting.TryRemove(number, out var answer)) answer.TrySetResult(message);
    }

    private async Task PingAsync(TimeSpan every, CancellationToken cancel)
    {
        while (true)
        {
            await Task.Delay(every, time, cancel);
            await WriteAsync(ZooKeeperWire.Bare(ZooKeeperWire.PingNumber, ZooKeeperWire.Ping), cancel);
        }
    }

    private async Task<byte[]?> AskAsync(int operation, string path, CancellationToken cancel)
    {
        int number = Interlocked.Increment(ref lastNumber);
        var answer = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        waiting[number] = answer;
        if (ended is { } cause) throw cause;
        await WriteAsync(ZooKeeperWire.Request(number, operation, path), cancel);
        byte[] message = await answer.Task.WaitAsync(cancel);
        return ZooKeeperWire.Head(message).Error switch
        {
            0 => message,
            ZooKeeperWire.NoNode => null,
            var error => throw new DiscoveryException($"ZooKeeper answered {path} with error {error}"),
        };
    }

    private async Task WriteAsync(byte[] message, CancellationToken cancel)
    {
        var bytes = new byte[4 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, message.Length);
        message.CopyTo(bytes.AsSpan(4));
        await writing.WaitAsync(cancel);
        try
        {
            await stream.WriteAsync(bytes, cancel);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task<byte[]> ReadAsync(CancellationToken cancel)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length, cancel);
        int count = BinaryPrimitives.ReadInt32BigEndian(length);
        if (count is < 0 or > MessageBytesMax) throw new FormatException($"a message of {count} bytes");
        var message = new byte[count];
        await stream.ReadExactlyAsync(message, cancel);
        return message;
    }
}
