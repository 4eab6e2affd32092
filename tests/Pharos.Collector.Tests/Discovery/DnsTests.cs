using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Pharos.Collector.Discovery;
using Pharos.Core;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Look-ups at a name server of the test's own, on a real socket.</summary>
public sealed class DnsTests : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Dictionary<string, Func<byte[], bool, byte[]>> answers = [];
    private readonly UdpClient udp;
    private readonly TcpListener tcp;

    public DnsTests()
    {
        (udp, tcp) = BothOnOnePort();
        _ = ServeUdpAsync();
        _ = ServeTcpAsync();
    }

    /// <summary>A port that is free for both: the system gives one for TCP alone, and another socket may have it for UDP.</summary>
    private static (UdpClient, TcpListener) BothOnOnePort()
    {
        while (true)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            try
            {
                return (new UdpClient((IPEndPoint)listener.LocalEndpoint), listener);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                listener.Dispose();
            }
        }
    }

    public void Dispose()
    {
        stop.Cancel();
        udp.Dispose();
        tcp.Dispose();
        stop.Dispose();
    }

    [Fact]
    public async Task Srv_records_name_host_and_port()
    {
        answers["_metrics._tcp.shop.example"] = (question, _) => Answer(question, [Srv(8080, "a"), Srv(8081, "b")]);
        Assert.Equal(
        [
            Labels.Of(("__address__", "a.shop.example:8080"), ("__meta_dns_name", "_metrics._tcp.shop.example"), ("__meta_dns_srv_record_port", "8080"), ("__meta_dns_srv_record_target", "a.shop.example.")),
            Labels.Of(("__address__", "b.shop.example:8081"), ("__meta_dns_name", "_metrics._tcp.shop.example"), ("__meta_dns_srv_record_port", "8081"), ("__meta_dns_srv_record_target", "b.shop.example.")),
        ], await FindAsync("SRV", "_metrics._tcp.shop.example"));
    }

    [Theory]
    [InlineData("MX", 15)]
    [InlineData("NS", 2)]
    public async Task Mx_and_ns_records_name_hosts_for_the_configured_port(string type, byte number)
    {
        answers["shop.example"] = (question, _) => Answer(question, [(number, type == "MX" ? [0, 10, .. Name("mail")] : Name("mail"))]);
        Assert.Equal(
            [Labels.Of(("__address__", "mail.shop.example:9100"), ("__meta_dns_name", "shop.example"), ($"__meta_dns_{type.ToLowerInvariant()}_record_target", "mail.shop.example."))],
            await FindAsync(type, "shop.example"));
    }

    [Fact]
    public async Task An_answer_that_does_not_fit_is_asked_for_again_over_tcp()
    {
        answers["shop.example"] = (question, overTcp) =>
        {
            byte[] answer = Answer(question, overTcp ? [.. Enumerable.Range(0, 500).Select(i => Srv((ushort)i, "many"))] : []);
            if (!overTcp) answer[2] |= 2;
            return answer;
        };
        Assert.Equal(500, (await FindAsync("SRV", "shop.example"))!.Count);
    }

    [Fact]
    public async Task The_search_path_is_tried_and_a_name_that_nobody_knows_has_no_targets()
    {
        answers["web.shop.example"] = (question, _) => Answer(question, [Srv(80, "w")]);
        Assert.Equal("w.shop.example:80", Assert.Single((await FindAsync("SRV", "web"))!)["__address__"]);
        Assert.Empty((await FindAsync("SRV", "nobody"))!);
    }

    [Fact]
    public async Task A_failing_server_is_an_error_and_no_empty_list()
    {
        answers["web.shop.example"] = (question, _) =>
        {
            byte[] answer = Answer(question, []);
            answer[3] = 2;
            return answer;
        };
        await Assert.ThrowsAsync<IOException>(() => FindAsync("SRV", "web"));
    }

    [Fact]
    public void Settings_are_read_as_the_resolver_does()
    {
        var settings = DnsSettings.Parse(["# comment", "nameserver 192.0.2.1", "nameserver 2001:db8::1", "search a.example b.example", "options timeout:1 ndots:2"]);
        Assert.Equal([new IPEndPoint(IPAddress.Parse("192.0.2.1"), 53), new IPEndPoint(IPAddress.Parse("2001:db8::1"), 53)], settings.Servers);
        Assert.Equal(["x.y.a.example", "x.y.b.example", "x.y"], settings.Names("x.y"));
        Assert.Equal(["x.y.z", "x.y.z.a.example", "x.y.z.b.example"], settings.Names("x.y.z"));
        Assert.Equal(["x."], settings.Names("x."));
    }

    [Fact]
    public void No_bytes_make_the_reader_crash_or_loop()
    {
        const int seed = 20261128;
        var random = new Random(seed);
        byte[] good = Answer(DnsMessage.Question(7, "shop.example", DnsRecordType.Srv), [Srv(80, "a"), Srv(81, "b")]);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. good.AsSpan(0, random.Next(good.Length + 1))];
            for (int flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                if (DnsMessage.Answers(bytes, 7)) DnsMessage.Records(bytes, DnsRecordType.Srv);
            }
            catch (FormatException)
            {
                // What it is meant to say.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {i}, {Convert.ToHexString(bytes)}: {e}");
            }
        }
    }

    private async Task<IReadOnlyList<Labels>> FindAsync(string type, string name)
    {
        var settings = new DnsSettings([(IPEndPoint)udp.Client.LocalEndPoint!], ["shop.example"], 1);
        await using var discoverer = new DnsDiscoverer(new DnsOptions([name], type, 9100) { RefreshInterval = TimeSpan.FromSeconds(30) }, new DnsClient(() => settings, TimeProvider.System));
        return (await discoverer.RefreshAsync(TestContext.Current.CancellationToken)).Targets;
    }

    /// <summary>A name under shop.example.</summary>
    private static byte[] Name(string host) => [(byte)host.Length, .. System.Text.Encoding.ASCII.GetBytes(host), 4, .. "shop"u8, 7, .. "example"u8, 0];

    private static (byte Type, byte[] Data) Srv(ushort port, string host) => (33, [0, 1, 0, 1, (byte)(port >> 8), (byte)port, .. Name(host)]);

    private static byte[] Answer(byte[] question, IReadOnlyList<(byte Type, byte[] Data)> records)
    {
        var message = new List<byte>(question);
        message[2] |= 0x80;
        message[6] = (byte)(records.Count >> 8);
        message[7] = (byte)records.Count;
        foreach (var (type, data) in records) message.AddRange([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, (byte)(data.Length >> 8), (byte)data.Length, .. data]);
        return [.. message];
    }

    private byte[] Reply(byte[] question, bool overTcp)
    {
        int at = 12;
        var parts = new List<string>();
        for (; question[at] > 0; at += question[at] + 1) parts.Add(System.Text.Encoding.ASCII.GetString(question, at + 1, question[at]));
        if (answers.TryGetValue(string.Join('.', parts), out var answer)) return answer(question, overTcp);
        byte[] unknown = Answer(question, []);
        unknown[3] = DnsMessage.NoSuchName;
        return unknown;
    }

    private async Task ServeUdpAsync()
    {
        try
        {
            while (true)
            {
                var received = await udp.ReceiveAsync(stop.Token);
                await udp.SendAsync(Reply(received.Buffer, overTcp: false), received.RemoteEndPoint, stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var client = await tcp.AcceptTcpClientAsync(stop.Token);
                var stream = client.GetStream();
                var head = new byte[2];
                await stream.ReadExactlyAsync(head, stop.Token);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(head)];
                await stream.ReadExactlyAsync(question, stop.Token);
                byte[] answer = Reply(question, overTcp: true);
                BinaryPrimitives.WriteUInt16BigEndian(head, (ushort)answer.Length);
                await stream.WriteAsync((byte[])[.. head, .. answer], stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or IOException)
        {
            // The test is over.
        }
    }
}
