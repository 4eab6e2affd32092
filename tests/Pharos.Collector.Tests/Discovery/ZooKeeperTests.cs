using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>A server of the test's own that speaks ZooKeeper's protocol, with watches that fire once.</summary>
public sealed class ZooKeeperTests : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, string> nodes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> watched = new(StringComparer.Ordinal);
    private readonly Task serving;
    private NetworkStream? session;
    private TcpClient? client;
    private int sessions;

    public ZooKeeperTests()
    {
        listener.Start();
        serving = ServeAsync();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        client?.Dispose();
        listener.Stop();
        await serving;
        listener.Dispose();
    }

    [Fact]
    public async Task Serversets_with_all_their_endpoints()
    {
        nodes["/aurora"] = "";
        nodes["/aurora/web"] = "not a member";
        nodes["/aurora/web/member_1"] = """{"serviceEndpoint":{"host":"a.example","port":8080},"additionalEndpoints":{"health-check":{"host":"b.example","port":8081}},"status":"ALIVE","shard":3}""";
        await using var discoverer = Open("serverset", "/aurora/");
        Same(Assert.Single((await discoverer.RefreshAsync(Cancel)).Targets), "a.example:8080", "__meta_serverset_", """
            endpoint_host a.example
            endpoint_host_health_check b.example
            endpoint_port 8080
            endpoint_port_health_check 8081
            path /aurora/web/member_1
            shard 3
            status ALIVE
            """);
    }

    [Fact]
    public async Task Members_that_come_change_and_go_are_seen_by_watches()
    {
        await using var discoverer = Open("nerve", "/nerve");
        // The root is not there yet.
        Assert.Empty((await discoverer.RefreshAsync(Cancel)).Targets);
        nodes["/nerve"] = "";
        await FireAsync("/nerve");
        Assert.Empty((await discoverer.RefreshAsync(Cancel)).Targets);
        nodes["/nerve/i-1"] = """{"host":"10.0.0.1","port":8080,"name":"web"}""";
        await FireAsync("/nerve");
        Same(Assert.Single((await discoverer.RefreshAsync(Cancel)).Targets), "10.0.0.1:8080", "__meta_nerve_", """
            endpoint_host 10.0.0.1
            endpoint_name web
            endpoint_port 8080
            path /nerve/i-1
            """);
        nodes["/nerve/i-1"] = """{"host":"10.0.0.1","port":8081,"name":"web"}""";
        await FireAsync("/nerve/i-1");
        Assert.Equal(["10.0.0.1:8081"], Addresses((await discoverer.RefreshAsync(Cancel)).Targets));
        nodes.TryRemove("/nerve/i-1", out _);
        await FireAsync("/nerve");
        Assert.Empty((await discoverer.RefreshAsync(Cancel)).Targets);
    }

    [Fact]
    public async Task A_session_that_breaks_is_an_error_and_another_is_opened()
    {
        nodes["/n"] = """{"host":"h","port":1}""";
        await using var discoverer = Open("nerve", "/n");
        await discoverer.RefreshAsync(Cancel);
        client!.Dispose();
        Assert.Contains("session with ZooKeeper ended", (await Assert.ThrowsAsync<DiscoveryException>(() => discoverer.RefreshAsync(Cancel))).Message, StringComparison.Ordinal);
        Assert.Equal(["h:1"], Addresses((await discoverer.RefreshAsync(Cancel)).Targets));
        Assert.Equal(2, sessions);
    }

    private IDiscoverer Open(string kind, string path)
    {
        var endpoint = (IPEndPoint)listener.LocalEndpoint;
        // The first server of the list is not there.
        var options = new ZooKeeperOptions(kind, ["127.0.0.1:1", $"127.0.0.1:{endpoint.Port}"], [path], TimeSpan.FromSeconds(10)) { RefreshInterval = TimeSpan.FromSeconds(10) };
        return options.Open(new DiscoveryContext(_ => throw new InvalidOperationException("no HTTP"), TimeProvider.System, new Instruments(), NullLogger.Instance));
    }

    /// <summary>Tells the watcher of a node; only a watch that was left counts.</summary>
    private async Task FireAsync(string path)
    {
        Assert.True(watched.TryRemove(path, out _), $"{path} is not watched");
        byte[] name = Encoding.UTF8.GetBytes(path);
        await SendAsync(session!, [.. Number(-1), .. new byte[8], .. Number(0), .. Number(3), .. Number(3), .. Number(name.Length), .. name]);
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                client = await listener.AcceptTcpClientAsync();
                session = client.GetStream();
                sessions++;
                watched.Clear();
                byte[] connect = await ReadAsync(session);
                Assert.Equal((44, 10_000), (connect.Length, BinaryPrimitives.ReadInt32BigEndian(connect.AsSpan(12))));
                await SendAsync(session, [.. Number(0), .. Number(10_000), .. new byte[8], .. Number(16), .. new byte[16]]);
                _ = AnswerAsync(session);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The end of the test.
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        try
        {
            while (true)
            {
                byte[] request = await ReadAsync(stream);
                int number = BinaryPrimitives.ReadInt32BigEndian(request), operation = BinaryPrimitives.ReadInt32BigEndian(request.AsSpan(4));
                if (operation == 11)
                {
                    await SendAsync(stream, [.. Number(-2), .. new byte[8], .. Number(0)]);
                    continue;
                }
                string path = Encoding.UTF8.GetString(request, 12, BinaryPrimitives.ReadInt32BigEndian(request.AsSpan(8)));
                bool there = nodes.TryGetValue(path, out string? data);
                // Only exists leaves a watch on what is not there.
                if (request[^1] == 1 && (there || operation == 3)) watched[path] = true;
                byte[] head = [.. Number(number), .. new byte[8], .. Number(there ? 0 : -101)];
                byte[] body = !there || operation == 3 ? [] : operation == 4 ? [.. Text(data!), .. new byte[68]] : Children(path);
                await SendAsync(stream, [.. head, .. body]);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The client went away.
        }
    }

    private byte[] Children(string path)
    {
        var names = nodes.Keys.Where(k => k.StartsWith(path + "/", StringComparison.Ordinal) && !k[(path.Length + 1)..].Contains('/', StringComparison.Ordinal)).Select(k => k[(path.Length + 1)..]).ToList();
        return [.. Number(names.Count), .. names.SelectMany(Text)];
    }

    private static byte[] Text(string text) => [.. Number(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Number(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    private static async Task SendAsync(NetworkStream stream, byte[] message) => await stream.WriteAsync((byte[])[.. Number(message.Length), .. message]);

    private static async Task<byte[]> ReadAsync(NetworkStream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length);
        var message = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(message);
        return message;
    }
}
