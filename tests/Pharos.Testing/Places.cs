namespace Pharos.Testing;

/// <summary>Where tests find the repository, the conformance data and the peers' programs.</summary>
public static class Places
{
    /// <summary>The repository's root: the folder that holds Pharos.slnx.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>
    /// A folder of the public conformance data: PHAROS_CONFORMANCE, or <c>../shared/conformance</c> beside the repository.
    /// Skips the calling test where there is none, unless CI=true, where that is a failure.
    /// </summary>
    public static string Conformance(string folder)
    {
        string root = Environment.GetEnvironmentVariable("PHAROS_CONFORMANCE")
            ?? Path.Combine(Repository, "..", "shared", "conformance");
        return Require(Directory.Exists(root) ? Path.GetFullPath(Path.Combine(root, folder)) : null,
            $"no conformance data at {root}; set PHAROS_CONFORMANCE to its folder");
    }

    /// <summary>
    /// A peer's program (promtool, prometheus, amtool, alertmanager, node_exporter …): in the folder PHAROS_PEERS, or on the PATH.
    /// Skips the calling test where it is missing, unless CI=true.
    /// </summary>
    public static string Program(string name)
    {
        string? peers = Environment.GetEnvironmentVariable("PHAROS_PEERS");
        var folders = (peers is null ? [] : new[] { peers })
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        string? found = folders.Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists);
        return Require(found, $"{name} is not installed; install it or set PHAROS_PEERS to the folder that holds it");
    }

    /// <summary>A new, empty folder that goes away with the returned object.</summary>
    public static TemporaryFolder NewFolder() => new();

    private static string Require(string? found, string otherwise)
    {
        if (found is not null) return found;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail(otherwise);
        Assert.Skip(otherwise);
        return "";
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Pharos.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("Pharos.slnx is in no folder above the tests");
    }
}

/// <summary>A folder for one test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pharos-test-").FullName;

    public static implicit operator string(TemporaryFolder folder) => folder.Path;

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A process that was killed may still hold a file; the system cleans its temporary folder.
        }
    }
}
