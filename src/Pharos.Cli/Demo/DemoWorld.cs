using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Hosting;

namespace Pharos.Cli.Demo;

/// <summary>What both demos share: the sinks, the shop, the server and its configuration, everything but the collector.</summary>
internal sealed class DemoWorld : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> parts = new();

    private DemoWorld(string folder) => Folder = folder;

    public string Folder { get; }

    public required Sinks Sinks { get; init; }

    public required CheckoutShop Shop { get; init; }

    public required PharosServer Server { get; init; }

    public required DemoTexts Texts { get; init; }

    public required DemoClient Client { get; init; }

    public required Story Story { get; init; }

    /// <summary>The collector's own file, with the password of the fleet beside it.</summary>
    public string BootstrapFile => Path.Combine(Folder, "collector.alloy");

    public string CollectorData => Path.Combine(Folder, "collector");

    public static async Task<DemoWorld> StartAsync(
        string folder, string host, int port, DemoPace pace, TimeProvider time, BusyMeter busy, ILoggerFactory loggers, CancellationToken cancel)
    {
        string logFolder = Path.Combine(folder, "shop-logs");
        string token = Path.Combine(folder, "fleet-token");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(token, DemoTexts.Token, cancel);

        var parts = new Stack<IAsyncDisposable>();
        try
        {
            var sinks = await Sinks.StartAsync(time, busy, loggers, cancel);
            parts.Push(sinks);
            var shop = await CheckoutShop.StartAsync(time, logFolder, seed: 7, pace.TrafficEvery, busy, loggers, cancel);
            parts.Push(shop);
            var options = new ServerOptions
            {
                Host = host,
                Port = port,
                DataFolder = Path.Combine(folder, "server"),
                Config = new ServerConfig { MultitenancyEnabled = true, ReceiversBlockPrivate = false, FleetTokens = [DemoTexts.Token] },
                HttpHandlers = () => busy.Counting(new SocketsHttpHandler()),
            };
            var server = await PharosServer.StartAsync(options, time, loggers, cancel);
            parts.Push(server);
            var texts = new DemoTexts(pace, server.Address, shop.Address, logFolder, sinks.Address, sinks.Smtp.Port);
            var client = new DemoClient(server.Address, () => busy.Counting(new SocketsHttpHandler()));
            await client.LoadAsync(texts, cancel);
            var world = new DemoWorld(folder)
            {
                Sinks = sinks,
                Shop = shop,
                Server = server,
                Texts = texts,
                Client = client,
                Story = new Story(client, shop, sinks),
            };
            await File.WriteAllTextAsync(world.BootstrapFile, texts.Bootstrap(token), cancel);
            foreach (var part in parts.Reverse()) world.parts.Push(part);
            return world;
        }
        catch
        {
            foreach (var part in parts) await part.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        foreach (var part in parts) await part.DisposeAsync();
    }
}
