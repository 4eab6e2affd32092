namespace Pharos.PromQL;

/// <summary>The HTTP request by which a query was asked.</summary>
public sealed record QueryOrigin(string ClientAddress, string Method, string Path);
