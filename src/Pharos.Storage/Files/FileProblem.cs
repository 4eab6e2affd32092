using System.Globalization;

namespace Pharos.Storage.Files;

/// <summary>Something wrong with a file or a folder.</summary>
/// <param name="Path">The file, or the folder where no single file is to blame.</param>
public sealed record FileProblem(string Path, string Problem)
{
    /// <summary>Where in the file, bytes from its start; null where it is about all of it.</summary>
    public long? Offset { get; init; }

    public override string ToString() =>
        Offset is { } at ? string.Create(CultureInfo.InvariantCulture, $"{Path}: at offset {at}: {Problem}") : $"{Path}: {Problem}";
}
