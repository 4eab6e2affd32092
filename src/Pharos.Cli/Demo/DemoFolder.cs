namespace Pharos.Cli.Demo;

/// <summary>The folder of a demo: the user's own, or a new one that goes away.</summary>
internal sealed class DemoFolder : IDisposable
{
    private readonly bool remove;

    private DemoFolder(string path, bool remove)
    {
        Path = path;
        this.remove = remove;
    }

    public string Path { get; }

    public static DemoFolder Open(string? chosen) => chosen is null
        ? new DemoFolder(Directory.CreateTempSubdirectory("pharos-demo-").FullName, remove: true)
        : new DemoFolder(System.IO.Path.GetFullPath(chosen), remove: false);

    public void Dispose()
    {
        if (!remove) return;
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // Something still writes; the system empties its temporary folder.
        }
    }
}
