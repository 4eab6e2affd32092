namespace Pharos.LogQL.Serving;

/// <summary>A page of lines.</summary>
/// <param name="NextCursor">Asks for the page after it; null where none follows.</param>
public sealed record LogPage(LogQlResult Result, string? NextCursor);
