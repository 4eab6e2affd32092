using Pharos.Server.Configuration;

namespace Pharos.Server.Hosting;

public sealed record ServerOptions
{
    /// <summary>Name or address to bind.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 picks a free port.</summary>
    public int Port { get; init; } = 3000;

    /// <summary>Everything that is kept. Made where it is missing.</summary>
    public required string DataFolder { get; init; }

    public ServerConfig Config { get; init; } = new();

    /// <summary>Transport under the clients of receivers; null: sockets.</summary>
    public Func<HttpMessageHandler>? HttpHandlers { get; init; }
}
