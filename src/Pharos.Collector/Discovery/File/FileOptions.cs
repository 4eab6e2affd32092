namespace Pharos.Collector.Discovery;

/// <param name="Files">Paths, absolute; the last part may hold <c>*</c>.</param>
internal sealed record FileOptions(IReadOnlyList<string> Files) : DiscoveryOptions
{
    /// <summary>Files are looked at more often than the interval asks: the real system is told of changes at once.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);

    public override string Mechanism => "file";

    internal override TimeSpan Wait => RefreshInterval < Poll ? RefreshInterval : Poll;

    public static FileOptions Read(IDiscoverySection section)
    {
        var files = section.Texts("files");
        if (files.Count == 0) section.Error("file service discovery config must contain at least one path name");
        foreach (string file in files)
        {
            if (Path.GetExtension(file) is not (".json" or ".yml" or ".yaml") || (Path.GetDirectoryName(file) ?? "").Contains('*', StringComparison.Ordinal))
                section.Error("files", $"path name \"{file}\" is not valid for file discovery", "it must end in .json, .yml or .yaml, with at most one * in its last part");
        }
        return new FileOptions([.. files.Select(section.Resolve)]) { RefreshInterval = section.Duration("refresh_interval", TimeSpan.FromMinutes(5)) };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new FileDiscoverer(this);
}
