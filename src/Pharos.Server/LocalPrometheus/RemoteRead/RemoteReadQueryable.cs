using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Wire.RemoteRead;

namespace Pharos.Server.LocalPrometheus;

/// <summary>
/// The local store together with the remotes of <c>remote_read</c>. A remote that cannot be read is a warning of the query, not its end:
/// rules and alerts go on with what is here. Names and values of labels, metadata and exemplars are the local store's alone.
/// </summary>
/// <param name="localFromMs">From this time on the local store should have everything; Unix milliseconds.</param>
internal sealed partial class RemoteReadQueryable(IMetricQueryable local, Func<long> localFromMs, ILogger logger) : IMetricQueryable, IMetricChanges, IAsyncDisposable
{
    private volatile State state = new([], Labels.Empty);

    /// <summary>Takes other remotes. Queries that run end with those they began with.</summary>
    public void Use(IReadOnlyList<RemoteReadClient> clients, Labels externalLabels)
    {
        var before = state;
        state = new State(clients, externalLabels);
        foreach (var client in before.Clients.Except(clients)) client.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Use([], Labels.Empty);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public long VersionOf(TenantId tenant, long fromMs, long toMs) =>
        // What a remote holds changes unseen.
        state.Clients.Count == 0 && local is IMetricChanges changes ? changes.VersionOf(tenant, fromMs, toMs) : IMetricChanges.Unknown;

    public IReadOnlyList<ISeries> Select(TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        var now = state;
        var asked = now.Clients.Select(c => AskOf(c, now.ExternalLabels, matchers, range, hints)).OfType<Ask>().ToList();
        if (asked.Count == 0) return local.Select(tenant, matchers, range, hints, cancel);
        // To be merged series must be sorted and have all their labels.
        var found = local.Select(tenant, matchers, range, hints with { AnyOrder = false, NeededLabels = null }, cancel);
        // Queries have threads of their own, so one may wait here; the remotes are asked at once.
        var answers = Task.WhenAll(asked.Select(a => ReadAsync(a, hints.Warn, cancel))).GetAwaiter().GetResult();
        foreach (var answer in answers) found = Merge(found, answer);
        return found;
    }

    public IReadOnlyList<Labels> Series(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        var own = local.Series(tenant, matcherSets, range, limit, cancel);
        if (state.Clients.Count == 0) return own;
        var all = own.Concat(matcherSets.SelectMany(m => Select(tenant, m, range, new SelectHints(0, "series", 0), cancel).Select(s => s.Labels))).Distinct().Order();
        return limit > 0 ? [.. all.Take(limit)] : [.. all];
    }

    public IReadOnlyList<string> LabelNames(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        local.LabelNames(tenant, matcherSets, range, limit, cancel);

    public IReadOnlyList<string> LabelValues(TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        local.LabelValues(tenant, name, matcherSets, range, limit, cancel);

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) => local.Metadata(tenant, family, limit);

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) => local.Exemplars(tenant, matcherSets, range, cancel);

    /// <summary>What to ask a remote; null where it need not be asked.</summary>
    private Ask? AskOf(RemoteReadClient client, Labels external, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints)
    {
        foreach (var (name, value) in client.Target.RequiredMatchers)
        {
            if (!matchers.Any(m => m.Op == MatchOp.Equal && m.Name == name && m.Value == value)) return null;
        }
        if (!client.Target.ReadRecent)
        {
            long from = localFromMs();
            if (range.MinMs > from) return null;
            if (range.MaxMs > from) range = new TimeRange(range.MinMs, from);
        }
        var added = new List<Matcher>();
        if (client.Target.FilterExternalLabels)
        {
            foreach (var (name, value) in external)
            {
                if (matchers.All(m => m.Name != name)) added.Add(new Matcher(MatchOp.Equal, name, value));
            }
        }
        return new Ask(client, new RemoteReadQuery(range, [.. matchers, .. added], hints), [.. added.Select(m => m.Name)]);
    }

    private async Task<IReadOnlyList<ISeries>> ReadAsync(Ask ask, Action<string>? warn, CancellationToken cancel)
    {
        try
        {
            var found = await ask.Client.ReadAsync(ask.Query, cancel).ConfigureAwait(false);
            return ask.AddedNames.Count == 0 ? found : [.. found.Select(s => new Renamed(Without(s.Labels, ask.AddedNames), s)).OrderBy(s => s.Labels)];
        }
        catch (IOException e)
        {
            warn?.Invoke("remote_read: " + e.Message);
            Failed(logger, ask.Client.Target.Url, e.Message);
            return [];
        }
    }

    private static Labels Without(Labels labels, IReadOnlyList<string> names)
    {
        var builder = new LabelsBuilder(labels);
        foreach (string name in names) builder.Remove(name);
        return builder.ToLabels();
    }

    /// <summary>Two lists of series, each sorted by labels, as one.</summary>
    private static List<ISeries> Merge(IReadOnlyList<ISeries> first, IReadOnlyList<ISeries> second)
    {
        var all = new List<ISeries>(first.Count + second.Count);
        int i = 0, j = 0;
        while (i < first.Count || j < second.Count)
        {
            int order = i == first.Count ? 1 : j == second.Count ? -1 : first[i].Labels.CompareTo(second[j].Labels);
            if (order == 0) all.Add(new MergedSeries(first[i++], second[j++]));
            else if (order < 0) all.Add(first[i++]);
            else all.Add(second[j++]);
        }
        return all;
    }

    [LoggerMessage(7105, LogLevel.Warning, "Remote read from {Url} failed: {Reason}")]
    private static partial void Failed(ILogger logger, Uri url, string reason);

    private sealed record State(IReadOnlyList<RemoteReadClient> Clients, Labels ExternalLabels);

    /// <param name="AddedNames">External labels that the query asks for, to be taken off the answer.</param>
    private sealed record Ask(RemoteReadClient Client, RemoteReadQuery Query, IReadOnlyList<string> AddedNames);

    private sealed class Renamed(Labels labels, ISeries series) : ISeries
    {
        public Labels Labels => labels;

        public void Read(TimeRange range, SampleColumns into) => series.Read(range, into);
    }
}
