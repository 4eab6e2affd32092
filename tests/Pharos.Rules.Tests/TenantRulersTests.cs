using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules.Tests;

public sealed class TenantRulersTests : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private readonly FakeLanguage metrics = new();
    private readonly FakeLanguage logs = new();
    private readonly TenantSink sink = new();
    private readonly MemoryAlerts alerts;
    private readonly SqliteCatalogue catalogue;
    private readonly RuleStore store;
    private TenantRulers rulers;

    public TenantRulersTests()
    {
        alerts = new MemoryAlerts { Time = time };
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        store = new RuleStore(catalogue, new FixedTenantLimits(), NullLogger.Instance);
        rulers = New();
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Groups_of_each_tenant_run_apart_and_changes_hold_at_once()
    {
        await rulers.StartAsync(Cancel);
        metrics.Answers["m"] = ms => [new VectorSample(Labels.Of(("from", "metrics")), ms, 1)];
        logs.Answers["l"] = ms => [new VectorSample(Labels.Of(("from", "logs")), ms, 2)];
        store.Put(TenantId.Parse("a"), RulePlacement.Metrics, "ns", Group("{record: r, expr: m}"));
        store.Put(TenantId.Parse("b"), RulePlacement.Logs, "ns", Group("{record: s, expr: l}, {alert: L, expr: l}"));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(
            [
                """a {__name__="r", from="metrics"} 1""",
                """b {__name__="ALERTS", alertname="L", alertstate="firing", from="logs"} 1""",
                """b {__name__="ALERTS_FOR_STATE", alertname="L", from="logs"} 1767225660""",
                """b {__name__="s", from="logs"} 2""",
            ],
            sink.Samples.Order(StringComparer.Ordinal));
        Assert.Equal("""{alertname="L", from="logs"}""", alerts.Sent.Single().Alert.Labels.ToString());
        Assert.Equal("g", rulers.Groups(TenantId.Parse("b")).Single().Name);
        Assert.Empty(rulers.Groups(TenantId.Parse("c")));
        Assert.True(store.Delete(TenantId.Parse("b"), RulePlacement.Logs, "ns", "g"));
        Assert.Empty(rulers.Groups(TenantId.Parse("b")));
        Assert.False(store.Delete(TenantId.Parse("b"), RulePlacement.Logs, "ns", "g"));
    }

    [Fact]
    public async Task Stored_groups_run_again_after_a_restart_with_their_state()
    {
        await rulers.StartAsync(Cancel);
        metrics.Answers["m"] = ms => [new VectorSample(Labels.Empty, ms, 1)];
        store.Put(TenantId.Parse("a"), RulePlacement.Metrics, "ns", Group("{alert: A, expr: m, for: 2m}"));
        time.Advance(TimeSpan.FromMinutes(2));
        await rulers.DisposeAsync();
        rulers = New();
        await rulers.StartAsync(Cancel);
        Assert.Equal(AlertPhase.Pending, rulers.Groups(TenantId.Parse("a")).Single().Rules.Single().Phase);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(AlertPhase.Firing, rulers.Groups(TenantId.Parse("a")).Single().Rules.Single().Phase);
        Assert.Equal([TenantId.Parse("a")], store.Tenants());
        store.DeleteTenant(TenantId.Parse("a"));
        Assert.Empty(store.Tenants());
    }

    [Fact]
    public void Limits_are_kept()
    {
        var tight = new RuleStore(catalogue, new FixedTenantLimits(new TenantLimits { RuleGroupsMax = 1, RulesPerGroupMax = 1 }), NullLogger.Instance);
        var tenant = TenantId.Parse("a");
        tight.Put(tenant, RulePlacement.Metrics, "ns", Group("{record: r, expr: m}"));
        tight.Put(tenant, RulePlacement.Metrics, "ns", Group("{record: q, expr: m}"));
        Assert.Throws<RuleStoreException>(() => tight.Put(tenant, RulePlacement.Metrics, "other", Group("{record: q, expr: m}")));
        Assert.Throws<RuleStoreException>(() => tight.Put(tenant, RulePlacement.Metrics, "ns", Group("{record: q, expr: m}, {record: r, expr: m}")));
        Assert.Equal("q", tight.Get(tenant, RulePlacement.Metrics, "ns", "g")!.Group.Rules.Single().Record);
    }

    public async ValueTask DisposeAsync()
    {
        await rulers.DisposeAsync();
        await catalogue.DisposeAsync();
        folder.Dispose();
    }

    private static RuleGroupDefinition Group(string rules) =>
        RuleFileReader.ParseGroup($"{{name: g, align_evaluation_time_on_interval: true, rules: [{rules}]}}");

    private TenantRulers New() => new(
        new TenantRulersOptions(), store, p => p == RulePlacement.Metrics ? metrics : logs, _ => sink, _ => alerts, new AlertJournal(), catalogue, time, new Instruments(), NullLogger.Instance);

    private sealed class TenantSink : IMetricSink
    {
        public List<string> Samples { get; } = [];

        public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
        {
            foreach (var sample in batch.Samples) Samples.Add($"{tenant} {Labels.FromEncoded(batch.LabelsOf(sample.Series))} {sample.Value}");
            return ValueTask.FromResult(new AppendResult(batch.Samples.Length, 0, 0, []));
        }
    }
}
