using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules.Tests;

/// <summary>Answers expressions by functions of time; unknown ones give nothing.</summary>
internal sealed class FakeLanguage : IRuleLanguage
{
    public Dictionary<string, Func<long, IReadOnlyList<VectorSample>>> Answers { get; } = [];

    /// <summary>Runs before each answer.</summary>
    public Func<string, Task>? Before { get; set; }

    public async ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel)
    {
        if (Before is not null) await Before(expression);
        return new InstantResult(Answers.TryGetValue(expression, out var answer) ? answer(timestampMs) : [], []);
    }

    public IReadOnlyList<Diagnostic> Check(string expression) =>
        expression.Contains("bad", StringComparison.Ordinal) ? [Diagnostic.Error(new SourcePosition("", 1, 5), "unexpected bad")] : [];

    public string Format(string expression) => expression;
}

/// <summary>Keeps what rules write.</summary>
internal sealed class MemorySink : IMetricSink
{
    public List<(Labels Labels, long At, double Value)> Samples { get; } = [];

    public Func<Labels, AppendError?>? Refuse { get; set; }

    public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        var errors = new List<AppendError>();
        foreach (var sample in batch.Samples)
        {
            var labels = Labels.FromEncoded(batch.LabelsOf(sample.Series));
            if (Refuse?.Invoke(labels) is { } error) errors.Add(error);
            else Samples.Add((labels, sample.TimestampMs, sample.Value));
        }
        return ValueTask.FromResult(new AppendResult(batch.Samples.Length - errors.Count, 0, 0, errors));
    }

    /// <summary>Samples as text: <c>seconds labels value</c>, in the order of writing, for one metric name.</summary>
    public List<string> Of(string name, DateTimeOffset start) =>
        [.. Samples.Where(s => s.Labels.Name == name).Select(s =>
            $"{(s.At - start.ToUnixTimeMilliseconds()) / 1000} {s.Labels.Without("__name__")} {(SampleValue.IsStale(s.Value) ? "stale" : s.Value)}")];
}

internal sealed class MemoryAlerts : IAlertSink
{
    public List<(DateTimeOffset At, Alert Alert)> Sent { get; } = [];

    public required TimeProvider Time { get; init; }

    public bool Fails { get; set; }

    public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
    {
        if (Fails) throw new AlertSendException("no router");
        foreach (var alert in alerts) Sent.Add((Time.GetUtcNow(), alert));
        return ValueTask.CompletedTask;
    }
}

/// <summary>A rule manager on simulated time, and everything around it.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();

    public Stage()
    {
        Alerts = new MemoryAlerts { Time = Time };
        Catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), Time);
        Manager = NewManager();
    }

    public static DateTimeOffset Start { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public ManualTimeProvider Time { get; } = new(Start);

    public FakeLanguage Language { get; } = new();

    public MemorySink Sink { get; } = new();

    public MemoryAlerts Alerts { get; }

    public AlertJournal Journal { get; } = new();

    public SqliteCatalogue Catalogue { get; }

    public Instruments Instruments { get; private set; } = new();

    public RuleManagerOptions Options { get; init; } = new() { ExternalUrl = "http://pharos" };

    public RuleManager Manager { get; private set; }

    /// <summary>Rules as they run, from the text of a rule file.</summary>
    public Task RunAsync(string yaml) =>
        Manager.UpdateAsync([.. RuleFileReader.Parse(yaml, "f.yml").Select(g => new RuleGroupSource("f.yml", g))], TestContext.Current.CancellationToken);

    /// <summary>Stops the rules; the clock goes on without them.</summary>
    public ValueTask StopAsync() => Manager.DisposeAsync();

    public void Restart()
    {
        Instruments = new Instruments();
        Manager = NewManager();
    }

    public void AdvanceTo(int seconds) => Time.AdvanceTo(Start.AddSeconds(seconds));

    /// <summary>Answers with these series while the time lies in the span, in seconds from the start; both ends inclusive.</summary>
    public void During(string expression, int from, int to, params (string Name, string Value)[] labels) => Language.Answers[expression] = ms =>
    {
        long seconds = (ms - Start.ToUnixTimeMilliseconds()) / 1000;
        return seconds >= from && seconds <= to ? [new VectorSample(Labels.Of(labels), ms, 7)] : [];
    };

    public List<string> Sent() => [.. Alerts.Sent.Select(s =>
        $"{(s.At - Start).TotalSeconds} {s.Alert.Labels} {(s.Alert.StartsAt!.Value - Start).TotalSeconds}..{(s.Alert.EndsAt!.Value - Start).TotalSeconds}")];

    public List<string> Happened() => [.. Journal.Read(TenantId.Anonymous, null, 0).Select(e => $"{(e.At - Start).TotalSeconds} {e.Step}: {e.Because}")];

    public async ValueTask DisposeAsync()
    {
        await Manager.DisposeAsync();
        await Catalogue.DisposeAsync();
        folder.Dispose();
    }

    private RuleManager NewManager() => new(Options, Language, Sink, Alerts, Journal, Catalogue, Time, Instruments, NullLogger.Instance);
}
