using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Fleet.Tests;

public sealed class FleetTests : IDisposable
{
    private static readonly TenantId Tenant = TenantId.Parse("shop");

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly SimulatedTimeProvider time = new();
    private readonly SqliteCatalogue catalogue;
    private readonly CollectorRegistry collectors;
    private readonly PipelineRegistry pipelines;

    public FleetTests()
    {
        catalogue = new SqliteCatalogue(Path.Combine(folder, "catalogue.db"), time);
        collectors = new CollectorRegistry(catalogue, time);
        pipelines = new PipelineRegistry(catalogue, time, contents => contents.Contains("broken", StringComparison.Ordinal)
            ? [Diagnostic.Error(new SourcePosition("", 3, 1), "cannot find the definition of component name \"broken\"")]
            : []);
    }

    public void Dispose()
    {
        catalogue.DisposeAsync().AsTask().GetAwaiter().GetResult();
        folder.Dispose();
    }

    [Fact]
    public void A_collector_is_served_the_pipelines_whose_matchers_all_fit()
    {
        pipelines.Create(Tenant, new Pipeline { Name = "metrics", Contents = "// m", Matchers = ["role=\"checkout\"", "env=~\"prod|stage\""] });
        pipelines.Create(Tenant, new Pipeline { Name = "all", Contents = "// a" });
        pipelines.Create(Tenant, new Pipeline { Name = "other", Contents = "// o", Matchers = ["role=other"] });
        pipelines.Create(Tenant, new Pipeline { Name = "off", Contents = "// x", Enabled = false });
        var answer = Ask("c1", ("role", "checkout"), ("env", "prod"));
        Assert.Equal(["all", "metrics"], answer.Config!.Pipelines);
        Assert.Equal(["all"], Ask("c2", ("role", "checkout")).Config!.Pipelines);
        Assert.Equal(["all"], Ask("c3", ("role", "checkout"), ("env", "production")).Config!.Pipelines);
    }

    [Fact]
    public void What_operators_say_wins_except_over_what_is_reserved()
    {
        pipelines.Create(Tenant, new Pipeline { Name = "remote", Contents = "// r", Matchers = ["team=b"] });
        pipelines.Create(Tenant, new Pipeline { Name = "linux", Contents = "// l", Matchers = ["collector.os=linux", "collector.ID=c1"] });
        Ask("c1", ("team", "a"), ("collector.os", "linux"));
        collectors.Update(Tenant, collectors.Get(Tenant, "c1") with { RemoteAttributes = new Dictionary<string, string> { ["team"] = "b" } });
        Assert.Equal(["linux", "remote"], Ask("c1").Config!.Pipelines);
        var refused = Assert.Throws<FleetException>(() => collectors.Update(Tenant, new Collector { Id = "c1", RemoteAttributes = new Dictionary<string, string> { ["collector.os"] = "windows" } }));
        Assert.Equal("attribute \"collector.os\" starts with collector., which is reserved", refused.Message);
    }

    [Fact]
    public void The_same_text_has_the_same_hash_and_is_not_sent_again()
    {
        pipelines.Create(Tenant, new Pipeline { Name = "b", Contents = "// b" });
        pipelines.Create(Tenant, new Pipeline { Name = "a", Contents = "// a" });
        var first = Ask("c1", ("x", "1"), ("y", "2"));
        var again = collectors.GetConfig(Tenant, new ConfigRequest("c1", first.Hash, Map(("y", "2"), ("x", "1"))));
        Assert.Null(again.Config);
        Assert.Equal(first.Hash, again.Hash);

        // Another fleet, its pipelines made in another order, written again without a change.
        var other = TenantId.Parse("other");
        pipelines.Create(other, new Pipeline { Name = "a", Contents = "// a" });
        pipelines.Create(other, new Pipeline { Name = "b", Contents = "// old" });
        pipelines.Upsert(other, new Pipeline { Name = "b", Contents = "// b" });
        Assert.Equal(first.Hash, collectors.GetConfig(other, new ConfigRequest("c1", "", Map(("x", "1"), ("y", "2")))).Hash);
    }

    [Fact]
    public void Served_content_is_one_module_and_one_use_of_it_for_each_pipeline()
    {
        pipelines.Create(Tenant, new Pipeline { Name = "writer", Contents = "export \"receiver\" {\n\tvalue = 1\n}" });
        pipelines.Create(Tenant, new Pipeline { Name = "my-app", Contents = "// uses argument.pipeline_exports.value[\"writer\"][\"receiver\"]" });
        Assert.Equal(
            """
            declare "pipeline_my_app" {
            	argument "attributes" {
            		optional = true
            		default  = {}
            	}

            	argument "pipeline_exports" {
            		optional = true
            		default  = {}
            	}

            // uses argument.pipeline_exports.value["writer"]["receiver"]
            }

            pipeline_my_app "default" {
            	attributes = {
            		"collector.ID" = "c1",
            		"env" = "prod",
            	}
            	pipeline_exports = {
            		"writer" = {
            			"receiver" = pipeline_writer.default.receiver,
            		},
            	}
            }

            declare "pipeline_writer" {
            	argument "attributes" {
            		optional = true
            		default  = {}
            	}

            	argument "pipeline_exports" {
            		optional = true
            		default  = {}
            	}

            export "receiver" {
            	value = 1
            }
            }

            pipeline_writer "default" {
            	attributes = {
            		"collector.ID" = "c1",
            		"env" = "prod",
            	}
            }

            """.Replace("\r", ""), Ask("c1", ("env", "prod")).Config!.Content);
    }

    [Fact]
    public void Pipelines_are_checked_before_they_are_stored()
    {
        var refused = Assert.Throws<FleetException>(() => pipelines.Create(Tenant, new Pipeline { Name = "p", Contents = "broken" }));
        Assert.Equal(FleetErrorCode.InvalidArgument, refused.Code);
        Assert.Equal("pipeline \"p\" has 1 error:\n3:1: cannot find the definition of component name \"broken\"", refused.Message);
        Assert.Empty(pipelines.List(Tenant));
        Assert.Throws<FleetException>(() => pipelines.Create(Tenant, new Pipeline { Name = "p", Contents = "x", Matchers = ["no operator"] }));
        Assert.Equal("", pipelines.Create(Tenant, new Pipeline { Name = "p", Contents = "x" }, validateOnly: true).Id);
        Assert.Empty(pipelines.List(Tenant));
    }

    [Fact]
    public void Every_change_leaves_a_revision()
    {
        var made = pipelines.Create(Tenant, new Pipeline { Name = "p", Contents = "1" });
        Assert.Equal(FleetErrorCode.AlreadyExists, Assert.Throws<FleetException>(() => pipelines.Create(Tenant, made with { Id = "" })).Code);
        time.Advance(TimeSpan.FromMinutes(1));
        pipelines.Update(Tenant, made with { Contents = "2" });
        pipelines.Delete(Tenant, made.Id);
        Assert.Equal(FleetErrorCode.NotFound, Assert.Throws<FleetException>(() => pipelines.Update(Tenant, made)).Code);
        Assert.Equal(
            [(RevisionOperation.Insert, "1"), (RevisionOperation.Update, "2"), (RevisionOperation.Delete, "2")],
            pipelines.Revisions(Tenant, made.Id).Select(r => (r.Operation, r.Snapshot.Contents)));
        Assert.NotEqual(made.Id, pipelines.Create(Tenant, made with { Id = "" }).Id);
    }

    [Fact]
    public void Sync_makes_a_source_own_exactly_its_pipelines()
    {
        var git = new PipelineSource(SourceType.Git, "repo");
        pipelines.Create(Tenant, new Pipeline { Name = "by-hand", Contents = "h" });
        pipelines.Sync(Tenant, git, [new Pipeline { Name = "a", Contents = "1" }, new Pipeline { Name = "b", Contents = "1" }]);
        pipelines.Sync(Tenant, git, [new Pipeline { Name = "b", Contents = "2" }]);
        Assert.Equal(["b", "by-hand"], pipelines.List(Tenant).Select(p => p.Name));
        Assert.Throws<FleetException>(() => pipelines.Sync(Tenant, git, [new Pipeline { Name = "c", Contents = "ok" }, new Pipeline { Name = "d", Contents = "broken" }]));
        Assert.Equal(["b", "by-hand"], pipelines.List(Tenant).Select(p => p.Name));
    }

    [Fact]
    public void Bulk_operations_change_all_or_none()
    {
        Ask("c1", ("x", "1"));
        Ask("c2");
        AttributeOperation Add(string value) => new(AttributeOperationKind.Add, "remoteAttributes.env", null, value, null);
        Assert.Throws<FleetException>(() => collectors.BulkUpdate(Tenant, ["c1", "missing"], [Add("prod")]));
        Assert.Empty(collectors.Get(Tenant, "c1").RemoteAttributes);
        collectors.BulkUpdate(Tenant, ["c1", "c2"],
        [
            Add("prod"),
            new AttributeOperation(AttributeOperationKind.Copy, "remoteAttributes.stage", "remoteAttributes.env", null, null),
            new AttributeOperation(AttributeOperationKind.Replace, "remoteAttributes.env", null, "test", "other"),
            new AttributeOperation(AttributeOperationKind.Move, "remoteAttributes.level", "remoteAttributes.stage", null, null),
        ]);
        Assert.Equal(Map(("env", "prod"), ("level", "prod")), collectors.Get(Tenant, "c2").RemoteAttributes);
        Assert.Throws<FleetException>(() => collectors.Delete(Tenant, "c1", "missing"));
        Assert.Equal(["c1", "c2"], collectors.List(Tenant).Select(c => c.Id));
        Assert.Equal(["c1"], collectors.List(Tenant, ["x=1", "env=prod"]).Select(c => c.Id));
    }

    [Fact]
    public void Health_follows_what_the_collector_says_and_when_it_last_asked()
    {
        Ask("c1");
        Assert.Equal(CollectorHealth.Healthy, collectors.State(Tenant, "c1").Health);
        collectors.GetConfig(Tenant, new ConfigRequest("c1", "", null, (ConfigStatus.Applying, "")));
        time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(CollectorHealth.Stalled, collectors.State(Tenant, "c1").Health);
        collectors.GetConfig(Tenant, new ConfigRequest("c1", "", null, (ConfigStatus.Failed, "no such component")));
        Assert.Equal(CollectorHealth.ConfigurationError, collectors.State(Tenant, "c1").Health);
        Assert.Equal("no such component", collectors.State(Tenant, "c1").Collector.StatusMessage);
        time.Advance(TimeSpan.FromMinutes(31));
        Assert.Equal(CollectorHealth.Unresponsive, collectors.State(Tenant, "c1").Health);
        collectors.Unregister(Tenant, "c1");
        Assert.Equal(CollectorHealth.Inactive, collectors.State(Tenant, "c1").Health);
        collectors.Register(Tenant, "c1", "name", Map());
        Assert.Equal(CollectorHealth.ConfigurationError, collectors.State(Tenant, "c1").Health);
    }

    [Fact]
    public void A_disabled_collector_is_served_nothing_and_tenants_are_apart()
    {
        pipelines.Create(Tenant, new Pipeline { Name = "p", Contents = "x" });
        Ask("c1");
        collectors.Update(Tenant, collectors.Get(Tenant, "c1") with { Enabled = false });
        Assert.Equal("", Ask("c1").Config!.Content);
        var other = TenantId.Parse("other");
        Assert.Empty(collectors.List(other));
        Assert.Empty(pipelines.List(other));
    }

    [Theory]
    [InlineData("a=b", MatchOp.Equal, "a", "b")]
    [InlineData("collector.os != \"x y\"", MatchOp.NotEqual, "collector.os", "x y")]
    [InlineData("{a=~\"b|\\\"c\"}", MatchOp.Regex, "a", "b|\"c")]
    [InlineData("a!~\"\\d+\"", MatchOp.NotRegex, "a", "\\d+")]
    public void Matchers_are_read_as_Alertmanager_writes_them(string text, MatchOp op, string name, string value) =>
        Assert.Equal(new Matcher(op, name, value), AttributeMatchers.Parse(text));

    [Theory]
    [InlineData("a")]
    [InlineData("=b")]
    [InlineData("a=\"b")]
    [InlineData("a=b\"c")]
    [InlineData("a=~\"(\"")]
    [InlineData("\"")]
    public void What_is_no_matcher_is_refused(string text) => Assert.Throws<FormatException>(() => AttributeMatchers.Parse(text));

    private ConfigAnswer Ask(string id, params (string, string)[] attributes) =>
        collectors.GetConfig(Tenant, new ConfigRequest(id, "", attributes.Length == 0 ? null : Map(attributes)));

    private static Dictionary<string, string> Map(params (string Name, string Value)[] pairs) => pairs.ToDictionary(p => p.Name, p => p.Value);
}
