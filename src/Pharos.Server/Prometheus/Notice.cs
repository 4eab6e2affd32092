namespace Pharos.Server.Prometheus;

/// <summary>Something that an operator should know.</summary>
/// <param name="Date">When it came up, or came up again.</param>
/// <param name="Active">False: it is over.</param>
internal sealed record Notice(string Text, DateTimeOffset Date, bool Active);
