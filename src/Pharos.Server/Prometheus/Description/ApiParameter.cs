namespace Pharos.Server.Prometheus.Description;

/// <summary>A parameter of an operation. A name that ends with <c>[]</c> may be given several times; one in braces in the path stands there.</summary>
/// <param name="Type"><c>string</c>, <c>integer</c> or <c>boolean</c>; of one value where there may be several.</param>
internal sealed record ApiParameter(string Name, string About, string Type = "string", bool Required = false);
