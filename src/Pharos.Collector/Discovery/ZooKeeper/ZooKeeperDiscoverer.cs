using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The members that Nerve or a serverset keeps in ZooKeeper. Every node met is watched; after a change the trees are read again.</summary>
internal sealed partial class ZooKeeperDiscoverer(ZooKeeperOptions options, DiscoveryContext context) : IDiscoverer
{
    private const int DepthMax = 100;

    private readonly SemaphoreSlim changes = new(0, 1);
    private readonly Lock gate = new();
    private ZooKeeperSession? session;
    private int turn;

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        if (session is null) session = await OpenAsync(cancel);
        else await changes.WaitAsync(cancel);
        try
        {
            if (session.Ended is { } cause) throw cause;
            var targets = new List<Labels>();
            foreach (string path in options.Paths)
            {
                string root = path.TrimEnd('/');
                await WalkAsync(root.Length == 0 ? "/" : root, targets, 0, cancel);
            }
            return targets;
        }
        catch
        {
            // Its watches are gone with it; the next look opens another.
            await session.DisposeAsync();
            session = null;
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (session is not null) await session.DisposeAsync();
        changes.Dispose();
    }

    private async Task<ZooKeeperSession> OpenAsync(CancellationToken cancel)
    {
        Exception? last = null;
        for (int i = 0; i < options.Servers.Count; i++)
        {
            string server = options.Servers[turn++ % options.Servers.Count];
            try
            {
                return await ZooKeeperSession.OpenAsync(server, options.Timeout, context.Time, Changed, cancel);
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                last = new DiscoveryException($"{server}: {(e is OperationCanceledException ? "no answer in time" : e.Message)}", e);
            }
        }
        throw last!;
    }

    private void Changed()
    {
        lock (gate)
        {
            if (changes.CurrentCount == 0) changes.Release();
        }
    }

    private async Task WalkAsync(string path, List<Labels> targets, int depth, CancellationToken cancel)
    {
        if (depth > DepthMax) return;
        var children = await session!.ChildrenAsync(path, cancel);
        // A root that is not there yet is watched until it comes; it may have come meanwhile.
        if (children is null && depth == 0 && await session.ExistsAsync(path, cancel)) children = await session.ChildrenAsync(path, cancel);
        if (children is null) return;
        byte[]? data = await session.DataAsync(path, cancel);
        if (data is { Length: > 0 })
        {
            try
            {
                targets.Add(Member(path, data));
            }
            catch (Exception e) when (e is JsonException or FormatException)
            {
                // A node above the members may hold anything.
                Passed(context.Logger, path, e.Message);
            }
        }
        foreach (string child in children) await WalkAsync(path == "/" ? "/" + child : $"{path}/{child}", targets, depth + 1, cancel);
    }

    private Labels Member(string path, byte[] data)
    {
        using var document = JsonDocument.Parse(data);
        var member = document.RootElement;
        if (member.ValueKind != JsonValueKind.Object) throw new FormatException("a JSON object is expected");
        return options.Kind == "nerve" ? Nerve(path, member) : Serverset(path, member);
    }

    private static Labels Nerve(string path, JsonElement member) => new MetaLabels("__meta_nerve_")
        .Set("path", path).Set("endpoint_host", member.Text("host")).Set("endpoint_port", member.Text("port")).Set("endpoint_name", member.Text("name"))
        .At(member.Text("host"), (int)member.Number("port"));

    private static Labels Serverset(string path, JsonElement member)
    {
        var own = member.At("serviceEndpoint");
        return new MetaLabels("__meta_serverset_")
            .Set("path", path).Set("endpoint_host", own.Text("host")).Set("endpoint_port", own.Text("port"))
            .SetEach("endpoint_host_", member.Members("additionalEndpoints").Select(e => (e.Name, e.Value.Text("host"))))
            .SetEach("endpoint_port_", member.Members("additionalEndpoints").Select(e => (e.Name, e.Value.Text("port"))))
            .Set("status", member.Text("status")).Set("shard", $"{member.Number("shard")}")
            .At(own.Text("host"), (int)own.Number("port"));
    }

    [LoggerMessage(7103, LogLevel.Debug, "The node {Path} of ZooKeeper is no member: {Reason}")]
    private static partial void Passed(ILogger logger, string path, string reason);
}
