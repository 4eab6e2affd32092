using System.Net;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;
using Pharos.Collector.Tailing;
using Pharos.Core;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Components;

/// <summary><c>discovery.file</c> and <c>discovery.http</c>. A refresh that fails keeps the last targets.</summary>
internal static class DiscoveryComponents
{
    private static readonly IReadOnlyList<ComponentExport> Exports = [new("targets", "list(target)")];

    public static IReadOnlyList<ComponentDescriptor> All { get; } =
    [
        ComponentDescriptor.Of(
            "discovery.file",
            "Reads targets from JSON and YAML files.",
            Body(
                Must("files", Texts, "Each a .json, .yml or .yaml file; the last part may hold *."),
                May("refresh_interval", Duration, "5m", "")),
            Exports,
            a =>
            {
                foreach (string file in a.Texts("files"))
                {
                    if (Path.GetExtension(file) is not (".json" or ".yml" or ".yaml"))
                        throw a.Wrong("files", $"{GoString.Quote(file)} does not end in .json, .yml or .yaml");
                }
                return new FileOptions(a.Texts("files"), a.PositiveDuration("refresh_interval"));
            },
            (context, _, options) => new FileDiscovery(context, options)),
        ComponentDescriptor.Of(
            "discovery.http",
            "Reads targets from a web server.",
            Body(
                Must("url", Text, "Answers a JSON list of {targets, labels}."),
                May("refresh_interval", Duration, "60s", ""),
                HttpArguments.Client),
            Exports,
            a => new HttpOptions(a.Url("url"), a.PositiveDuration("refresh_interval"), HttpArguments.Read(a)),
            (context, _, options) => new HttpDiscovery(context, options)),
    ];

    private sealed record FileOptions(IReadOnlyList<string> Files, TimeSpan Interval);

    private sealed record HttpOptions(Uri Url, TimeSpan Interval, HttpClientOptions Client);

    /// <summary>Targets of <c>[{targets: [address], labels: {name: value}}]</c>, each with one more label.</summary>
    /// <exception cref="FormatException">The value has another form.</exception>
    internal static IEnumerable<Labels> Read(Value groups, string metaName, string metaValue)
    {
        if (groups is NullValue) yield break;
        if (groups is not ArrayValue list) throw new FormatException("a list of {targets, labels} is expected");
        foreach (var item in list.Items)
        {
            if (item is not ObjectValue group || group["targets"] is not ArrayValue addresses) throw new FormatException("each entry needs a list named targets");
            string? strange = group.Names.FirstOrDefault(n => n is not ("targets" or "labels"));
            if (strange is not null) throw new FormatException($"an entry has the unknown field {GoString.Quote(strange)}");
            foreach (var address in addresses.Items)
            {
                var labels = new LabelsBuilder();
                if (group["labels"] is ObjectValue given)
                {
                    foreach (var (name, value) in given.Fields) labels.Set(name, value is StringValue text ? text.Text : value is NullValue ? "" : value.ToString());
                }
                labels.Set("__address__", address is StringValue s ? s.Text : throw new FormatException("targets must be strings"));
                yield return labels.Set(metaName, metaValue).ToLabels();
            }
        }
    }

    private abstract class Discovery<TOptions> : ComponentInstance<TOptions>
        where TOptions : notnull
    {
        private readonly SemaphoreSlim changed = new(0);

        protected Discovery(ComponentContext context, TOptions options)
            : base(context)
        {
            Options = options;
            Export("targets", ArrayValue.Empty);
        }

        protected TOptions Options { get; private set; }

        protected abstract TimeSpan Interval { get; }

        /// <exception cref="IOException">There are no targets to be had now.</exception>
        protected abstract ValueTask<IReadOnlyList<Labels>> RefreshAsync(CancellationToken cancel);

        protected override void Apply(TOptions options)
        {
            Options = options;
            changed.Release();
        }

        public override async Task RunAsync(CancellationToken cancel)
        {
            while (true)
            {
                try
                {
                    Export("targets", Value.Of(await RefreshAsync(cancel).ConfigureAwait(false)));
                    Report(null);
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException or FunctionException)
                {
                    Report(failure.Message);
                }
                using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                var next = Task.Delay(Interval, Context.Time, wait.Token);
                var change = changed.WaitAsync(wait.Token);
                await Task.WhenAny(next, change).ConfigureAwait(false);
                await wait.CancelAsync().ConfigureAwait(false);
                await Task.WhenAll(next, change).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancel.ThrowIfCancellationRequested();
            }
        }
    }

    private sealed class FileDiscovery(ComponentContext context, FileOptions options) : Discovery<FileOptions>(context, options)
    {
        private readonly Dictionary<string, IReadOnlyList<Labels>> last = new(StringComparer.Ordinal);

        protected override TimeSpan Interval => Options.Interval;

        protected override async ValueTask<IReadOnlyList<Labels>> RefreshAsync(CancellationToken cancel)
        {
            var files = Options.Files.SelectMany(FileGlob.Find).Distinct().Order(StringComparer.Ordinal).ToList();
            string? trouble = null;
            foreach (string file in files)
            {
                try
                {
                    string text = await File.ReadAllTextAsync(file, cancel).ConfigureAwait(false);
                    last[file] = [.. Read(file.EndsWith(".json", StringComparison.Ordinal) ? Structured.FromJson(text) : Structured.FromYaml(text), "__meta_filepath", file)];
                }
                catch (Exception bad) when (bad is IOException or UnauthorizedAccessException or FormatException or FunctionException)
                {
                    // One file that is being written must not take the targets of the others.
                    trouble = $"{file}: {bad.Message}";
                }
            }
            foreach (string gone in last.Keys.Except(files).ToList()) last.Remove(gone);
            var targets = last.OrderBy(f => f.Key, StringComparer.Ordinal).SelectMany(f => f.Value).ToList();
            if (trouble is null) return targets;
            Export("targets", Value.Of(targets));
            throw new IOException(trouble);
        }
    }

    private sealed class HttpDiscovery(ComponentContext context, HttpOptions options) : Discovery<HttpOptions>(context, options)
    {
        protected override TimeSpan Interval => Options.Interval;

        protected override async ValueTask<IReadOnlyList<Labels>> RefreshAsync(CancellationToken cancel)
        {
            var now = Options;
            using var client = new HttpClient(Context.Http(now.Client)) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = 64 << 20 };
            using var limit = new CancellationTokenSource(now.Interval, Context.Time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
            using var request = new HttpRequestMessage(HttpMethod.Get, now.Url);
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            request.Headers.TryAddWithoutValidation("X-Prometheus-Refresh-Interval-Seconds", now.Interval.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture));
            try
            {
                using var response = await client.SendAsync(request, both.Token).ConfigureAwait(false);
                if (response.StatusCode != HttpStatusCode.OK) throw new IOException($"{now.Url} answered {(int)response.StatusCode} {response.ReasonPhrase}");
                string type = response.Content.Headers.ContentType?.MediaType ?? "";
                if (type != "application/json") throw new IOException($"{now.Url} answered with content type \"{type}\", not application/json");
                return [.. Read(Structured.FromJson(await response.Content.ReadAsStringAsync(both.Token).ConfigureAwait(false)), "__meta_url", now.Url.ToString())];
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                throw new IOException($"{now.Url} did not answer within {GoDuration.Format(now.Interval)}");
            }
            catch (HttpRequestException failure)
            {
                throw new IOException($"{now.Url}: {failure.Message}", failure);
            }
        }
    }
}
