using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>local.file</c> and <c>remote.http</c>: content from outside for other components' arguments.</summary>
internal static class ContentComponents
{
    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "local.file",
            "Gives the content of a file, and follows its changes.",
            Body(
                Must("filename", Text, "The file."),
                May("is_secret", false, "The content must not be shown."),
                OneOf("detector", "fsnotify", "fsnotify", "poll"),
                May("poll_frequency", Duration, "1m", "How often the file is looked at, with detector = \"poll\".")),
            [new ComponentExport("content", "string or secret", "The content of the file.")],
            a => new LocalFileOptions(a.Text("filename"), a.Flag("is_secret"), a.Text("detector") == "poll" ? a.PositiveDuration("poll_frequency") : TimeSpan.FromSeconds(1)),
            (context, _, options) => new LocalFile(context, options)),
        ComponentDescriptor.Of(
            "remote.http",
            "Gives the answer of a web server, and asks again and again.",
            Body(
                Must("url", Text, "What is asked."),
                May("method", Text, "GET", ""),
                May("headers", TextMap),
                May("body", Text),
                May("poll_frequency", Duration, "1m", ""),
                May("poll_timeout", Duration, "10s", ""),
                May("is_secret", false, "The answer must not be shown."),
                One("client", HttpArguments.Client)),
            [new ComponentExport("content", "string or secret", "The body of the answer.")],
            a => new RemoteHttpOptions(
                new HttpFetchOptions(
                    a.Url("url"), a.Text("method"), a.Text("body"), a.PositiveDuration("poll_frequency"), a.PositiveDuration("poll_timeout"),
                    HttpArguments.Read(a.Block("client") ?? new Arguments("client", a.Span, a.Schema.Block("client")!.Body), a.TextMap("headers"))),
                a.Flag("is_secret")),
            (context, _, options) => new RemoteHttp(context, options)),
    ];

    private sealed record LocalFileOptions(string FileName, bool IsSecret, TimeSpan Frequency);

    private sealed record RemoteHttpOptions(HttpFetchOptions Fetch, bool IsSecret);

    private static Value Content(string text, bool secret) => secret ? new SecretValue(text) : Value.Of(text);

    private sealed class LocalFile(ComponentContext context, LocalFileOptions options) : PollingInstance<LocalFileOptions>(context, options)
    {
        protected override TimeSpan Frequency => Options.Frequency;

        protected override async ValueTask RefreshAsync(CancellationToken cancel)
        {
            var now = Options;
            Export("content", Content(await File.ReadAllTextAsync(now.FileName, cancel).ConfigureAwait(false), now.IsSecret));
        }
    }

    private sealed class RemoteHttp(ComponentContext context, RemoteHttpOptions options) : PollingInstance<RemoteHttpOptions>(context, options)
    {
        protected override TimeSpan Frequency => Options.Fetch.Frequency;

        protected override async ValueTask RefreshAsync(CancellationToken cancel)
        {
            var now = Options;
            Export("content", Content(await HttpFetch.ReadAsync(Context, now.Fetch, cancel).ConfigureAwait(false), now.IsSecret));
        }
    }
}
