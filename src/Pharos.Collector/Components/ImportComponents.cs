using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Components;

/// <summary>Fetchers of imported modules. Each exports <c>module</c>, a capsule with <see cref="ImportedSources"/>.</summary>
internal static class ImportComponents
{
    private static readonly IReadOnlyList<ComponentExport> Exports = [new("module", "module")];

    public static IReadOnlyDictionary<string, ComponentDescriptor> All { get; } = new Dictionary<string, ComponentDescriptor>(StringComparer.Ordinal)
    {
        ["import.string"] = ComponentDescriptor.Of(
            "import.string", "Imports a module from a text.", LanguageBlocks.Imports["import.string"], Exports,
            a => a.Text("content"), (context, _, content) => new TextInstance(context, content)),
        ["import.file"] = ComponentDescriptor.Of(
            "import.file", "Imports a module from a file or folder.", LanguageBlocks.Imports["import.file"], Exports,
            a => new FileOptions(a.Text("filename"), a.Text("detector") == "poll" ? a.PositiveDuration("poll_frequency") : TimeSpan.FromSeconds(1)),
            (context, _, options) => new FileInstance(context, options)),
        ["import.http"] = ComponentDescriptor.Of(
            "import.http", "Imports a module from a web server.", LanguageBlocks.Imports["import.http"], Exports,
            a => new HttpFetchOptions(
                a.Url("url"), a.Text("method"), "", a.PositiveDuration("poll_frequency"), a.PositiveDuration("poll_timeout"),
                HttpArguments.Read(a.Block("client") ?? new Arguments("client", a.Span, a.Schema.Block("client")!.Body), a.TextMap("headers"))),
            (context, _, options) => new HttpInstance(context, options)),
        ["import.git"] = ComponentDescriptor.Of<string>(
            "import.git", "Imports a module from a git repository.", LanguageBlocks.Imports["import.git"], Exports,
            a => throw a.Wrong("import.git is not supported: check the repository out and use import.file"),
            (_, _, _) => throw new InvalidOperationException("import.git is never made")),
    };

    private sealed record FileOptions(string FileName, TimeSpan Frequency);

    private static CapsuleValue Module(ImportedSources sources) => new("module", sources);

    private sealed class TextInstance : ComponentInstance<string>
    {
        public TextInstance(ComponentContext context, string content)
            : base(context) => Apply(content);

        protected override void Apply(string options) => Export("module", Module(new ImportedSources([new SourceText(Context.Id, options)], "")));

        public override Task RunAsync(CancellationToken cancel) => WaitAsync(cancel);
    }

    private sealed class FileInstance(ComponentContext context, FileOptions options) : PollingInstance<FileOptions>(context, options)
    {
        protected override TimeSpan Frequency => Options.Frequency;

        protected override async ValueTask RefreshAsync(CancellationToken cancel)
        {
            string path = Options.FileName;
            bool folder = Directory.Exists(path);
            var files = folder ? Directory.GetFiles(path, "*.alloy").Order(StringComparer.Ordinal).ToArray() : [path];
            var sources = new List<SourceText>();
            foreach (string file in files) sources.Add(SourceText.FromUtf8(file, await File.ReadAllBytesAsync(file, cancel).ConfigureAwait(false)));
            Export("module", Module(new ImportedSources(sources, folder ? path : Path.GetDirectoryName(path) ?? "")));
        }
    }

    private sealed class HttpInstance(ComponentContext context, HttpFetchOptions options) : PollingInstance<HttpFetchOptions>(context, options)
    {
        protected override TimeSpan Frequency => Options.Frequency;

        protected override async ValueTask RefreshAsync(CancellationToken cancel)
        {
            string text = await HttpFetch.ReadAsync(Context, Options, cancel).ConfigureAwait(false);
            string url = Options.Url.ToString();
            Export("module", Module(new ImportedSources([new SourceText(url, text)], url[..(url.LastIndexOf('/') + 1)].TrimEnd('/'))));
        }
    }
}
