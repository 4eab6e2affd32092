using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Fleet;
using FleetCollector = Pharos.Fleet.Collector;
using S = Pharos.Server.Fleet.FleetShapes;

namespace Pharos.Server.Fleet;

/// <summary>
/// Fleet management over Connect: <c>/collector.v1.CollectorService/*</c>, both what collectors call and what operators call,
/// and <c>/pipeline.v1.PipelineService/*</c>.
/// </summary>
internal static class FleetRoutes
{
    private const string CollectorService = "collector.v1.CollectorService", PipelineService = "pipeline.v1.PipelineService";

    public static void Map(IEndpointRouteBuilder routes, CollectorRegistry collectors, PipelineRegistry pipelines)
    {
        MapCollectors(routes, collectors);
        MapPipelines(routes, pipelines);
    }

    private static void MapCollectors(IEndpointRouteBuilder routes, CollectorRegistry collectors)
    {
        void Method(string name, Shape request, Func<TenantId, Message, Message> work, bool safe = false) =>
            ConnectEndpoint.Map(routes, CollectorService, name, request, work, safe);

        Method("GetConfig", S.GetConfigRequest, (tenant, m) => GetConfig(collectors, tenant, m), safe: true);
        Method("RegisterCollector", S.RegisterRequest, (tenant, m) =>
        {
            collectors.Register(tenant, m.Text("id"), m.Text("name"), Local(m) ?? new Dictionary<string, string>());
            return new Message(S.Empty);
        });
        Method("UnregisterCollector", S.Id1, (tenant, m) =>
        {
            collectors.Unregister(tenant, m.Text("id"));
            return new Message(S.Empty);
        });
        Method("GetCollector", S.Id1, (tenant, m) => ToMessage(collectors.Get(tenant, m.Text("id"))), safe: true);
        Method("ListCollectors", S.ListCollectorsRequest, (tenant, m) =>
        {
            var answer = new Message(S.Collectors);
            foreach (var collector in collectors.List(tenant, m.Texts("matchers"))) answer.ListOf("collectors").Add(ToMessage(collector));
            return answer;
        }, safe: true);
        Method("CreateCollector", S.CollectorRequest, (tenant, m) => ToMessage(collectors.Create(tenant, ToCollector(m))));
        Method("UpdateCollector", S.CollectorRequest, (tenant, m) => ToMessage(collectors.Update(tenant, ToCollector(m))));
        Method("DeleteCollector", S.Id1, (tenant, m) =>
        {
            collectors.Delete(tenant, m.Text("id"));
            return new Message(S.Empty);
        });
        Method("BulkDeleteCollectors", S.Ids, (tenant, m) =>
        {
            collectors.Delete(tenant, m.Texts("ids"));
            return new Message(S.Empty);
        });
        Method("BulkUpdateCollectors", S.BulkUpdateRequest, (tenant, m) =>
        {
            collectors.BulkUpdate(tenant, m.Texts("ids"), [.. m.Messages("ops").Select(o => new AttributeOperation(
                (AttributeOperationKind)o.Enum("op"), o.Text("path"), o["from"] as string, o["value"] as string, o["oldValue"] as string))]);
            return new Message(S.Empty);
        });
        Method("ListCollectorAttributes", S.Empty, (tenant, _) =>
        {
            var (local, remote) = collectors.AttributesInUse(tenant);
            var answer = new Message(S.ListAttributesResponse);
            foreach ((string field, var values) in new[] { ("attributes", local), ("attribute_overrides", remote), ("local_attributes", local), ("remote_attributes", remote) })
            {
                foreach (var (name, used) in values)
                {
                    var list = new Message(S.AttributeValues);
                    foreach (string value in used) list.ListOf("values").Add(new Message(S.AttributeValue) { ["value"] = value });
                    answer.MapOf(field)[name] = list;
                }
            }
            return answer;
        }, safe: true);
    }

    private static void MapPipelines(IEndpointRouteBuilder routes, PipelineRegistry pipelines)
    {
        void Method(string name, Shape request, Func<TenantId, Message, Message> work, bool safe = false) =>
            ConnectEndpoint.Map(routes, PipelineService, name, request, work, safe);

        Method("GetPipeline", S.Id2, (tenant, m) => ToMessage(pipelines.Get(tenant, m.Text("id"))), safe: true);
        Method("GetPipelineID", S.NameRequest, (tenant, m) => new Message(S.IdResponse) { ["id"] = pipelines.GetByName(tenant, m.Text("name")).Id }, safe: true);
        Method("ListPipelines", S.ListPipelinesRequest, (tenant, m) =>
        {
            var attributes = m.Has("local_attributes") || m.Has("remote_attributes")
                ? Attributes.Effective("", m.Map("local_attributes"), m.Map("remote_attributes"))
                : null;
            return ToMessage(pipelines.List(tenant, attributes, (ConfigType)m.Enum("config_type"), m["enabled"] as bool?));
        }, safe: true);
        Method("CreatePipeline", S.PipelineRequest, (tenant, m) => ToMessage(pipelines.Create(tenant, ToPipeline(m), m.Flag("validate_only"))));
        Method("UpdatePipeline", S.PipelineRequest, (tenant, m) => ToMessage(pipelines.Update(tenant, ToPipeline(m), m.Flag("validate_only"))));
        Method("UpsertPipeline", S.PipelineRequest, (tenant, m) => ToMessage(pipelines.Upsert(tenant, ToPipeline(m), m.Flag("validate_only"))));
        Method("DeletePipeline", S.Id2, (tenant, m) =>
        {
            pipelines.Delete(tenant, m.Text("id"));
            return new Message(S.Empty);
        });
        Method("BulkDeletePipelines", S.Ids, (tenant, m) =>
        {
            pipelines.Delete(tenant, m.Texts("ids"));
            return new Message(S.Empty);
        });
        Method("ListPipelinesRevisions", S.Empty, (tenant, _) => ToMessage(pipelines.Revisions(tenant)), safe: true);
        Method("ListPipelineRevisions", S.Id1, (tenant, m) => ToMessage(pipelines.Revisions(tenant, m.Text("id"))), safe: true);
        Method("GetPipelineRevision", S.RevisionRequest, (tenant, m) => ToMessage(pipelines.Revision(tenant, m.Text("revision_id"))), safe: true);
        Method("SyncPipelines", S.SyncRequest, (tenant, m) =>
        {
            var source = ToSource(m.Nested("source")) ?? throw new FleetException(FleetErrorCode.InvalidArgument, "source is required");
            pipelines.Sync(tenant, source, [.. m.Messages("pipelines").Select(ToPipelineBody)]);
            return new Message(S.Empty);
        });
        Method("CreateAlloyPipelines", S.SeedRequest, (tenant, m) => Seed(pipelines, tenant, m));
    }

    private static Message GetConfig(CollectorRegistry collectors, TenantId tenant, Message m)
    {
        (ConfigStatus, string)? status = m.Nested("remote_config_status") is { } report && report.Enum("status") != 0
            ? ((ConfigStatus)report.Enum("status"), report.Text("error_message"))
            : null;
        string? effective = m.Nested("effective_config")?.Nested("config_map")?["config_map"] is Dictionary<string, object> files
            && files.TryGetValue("", out object? file) ? ((Message)file).Text("body") : null;
        var answer = collectors.GetConfig(tenant, new ConfigRequest(m.Text("id"), m.Text("hash"), Local(m), status, effective));
        return answer.Config is null
            ? new Message(S.GetConfigResponse) { ["hash"] = answer.Hash, ["not_modified"] = true }
            : new Message(S.GetConfigResponse) { ["content"] = answer.Config.Content, ["hash"] = answer.Hash };
    }

    /// <summary>Local attributes under their new name or their old one; null where none were sent.</summary>
    private static IReadOnlyDictionary<string, string>? Local(Message m) =>
        m.Has("local_attributes") ? m.Map("local_attributes") : m.Has("attributes") ? m.Map("attributes") : null;

    private static Message ToMessage(FleetCollector collector)
    {
        var message = new Message(S.Collector)
        {
            ["id"] = collector.Id,
            ["created_at"] = collector.CreatedAt,
            ["updated_at"] = collector.UpdatedAt,
            ["name"] = collector.Name.Length > 0 ? collector.Name : null,
            ["enabled"] = collector.Enabled,
            ["marked_inactive_at"] = collector.MarkedInactiveAt,
            ["collector_type"] = (int)collector.Type,
        };
        foreach (var (name, value) in collector.RemoteAttributes) message.MapOf("attribute_overrides")[name] = message.MapOf("remote_attributes")[name] = value;
        foreach (var (name, value) in collector.LocalAttributes) message.MapOf("attributes")[name] = message.MapOf("local_attributes")[name] = value;
        return message;
    }

    private static FleetCollector ToCollector(Message request)
    {
        var m = request.Nested("collector") ?? throw new FleetException(FleetErrorCode.InvalidArgument, "collector is required");
        return new FleetCollector
        {
            Id = m.Text("id"),
            Name = m.Text("name"),
            Enabled = m.Flag("enabled", otherwise: true),
            RemoteAttributes = m.Has("remote_attributes") ? m.Map("remote_attributes") : m.Map("attribute_overrides"),
            Type = (CollectorType)m.Enum("collector_type"),
        };
    }

    private static Message ToMessage(Pipeline pipeline)
    {
        var message = new Message(S.Pipeline)
        {
            ["name"] = pipeline.Name,
            ["contents"] = pipeline.Contents,
            ["created_at"] = pipeline.CreatedAt,
            ["updated_at"] = pipeline.UpdatedAt,
            ["enabled"] = pipeline.Enabled,
            ["id"] = pipeline.Id.Length > 0 ? pipeline.Id : null,
            ["metadata"] = pipeline.Metadata.Length > 0 ? pipeline.Metadata : null,
            ["config_type"] = (int)pipeline.ConfigType,
        };
        foreach (string matcher in pipeline.Matchers) message.ListOf("matchers").Add(matcher);
        if (pipeline.Source is { } source) message["source"] = new Message(S.Source) { ["type"] = (int)source.Type, ["namespace"] = source.Namespace };
        return message;
    }

    private static Message ToMessage(IReadOnlyList<Pipeline> pipelines)
    {
        var answer = new Message(S.Pipelines);
        foreach (var pipeline in pipelines) answer.ListOf("pipelines").Add(ToMessage(pipeline));
        return answer;
    }

    private static Message ToMessage(IReadOnlyList<PipelineRevision> revisions)
    {
        var answer = new Message(S.Revisions);
        foreach (var revision in revisions) answer.ListOf("pipeline_revisions").Add(ToMessage(revision));
        return answer;
    }

    private static Message ToMessage(PipelineRevision revision) => new(S.Revision)
    {
        ["revision_id"] = revision.RevisionId,
        ["snapshot"] = ToMessage(revision.Snapshot),
        ["created_at"] = revision.CreatedAt,
        ["operation"] = (int)revision.Operation,
    };

    private static Pipeline ToPipeline(Message request) =>
        ToPipelineBody(request.Nested("pipeline") ?? throw new FleetException(FleetErrorCode.InvalidArgument, "pipeline is required"));

    private static Pipeline ToPipelineBody(Message m) => new()
    {
        Id = m.Text("id"),
        Name = m.Text("name"),
        Contents = m.Text("contents"),
        Matchers = m.Texts("matchers"),
        Enabled = m.Flag("enabled", otherwise: true),
        Metadata = m.Text("metadata"),
        Source = ToSource(m.Nested("source")),
        ConfigType = (ConfigType)m.Enum("config_type"),
    };

    private static PipelineSource? ToSource(Message? m) => m is null ? null : new PipelineSource((SourceType)m.Enum("type"), m.Text("namespace"));

    /// <summary>First pipelines for a new tenant: the collector's own health to the given addresses.</summary>
    private static Message Seed(PipelineRegistry pipelines, TenantId tenant, Message m)
    {
        string url = m.Text("mimir_url");
        if (url.Length == 0) throw new FleetException(FleetErrorCode.InvalidArgument, "mimir_url is required");
        string contents =
            "prometheus.exporter.self \"collector\" { }\n\n" +
            "prometheus.scrape \"collector\" {\n\ttargets    = prometheus.exporter.self.collector.targets\n\tforward_to = [prometheus.remote_write.metrics.receiver]\n}\n\n" +
            $"prometheus.remote_write \"metrics\" {{\n\tendpoint {{\n\t\turl = {GoString.Quote(url.TrimEnd('/') + "/api/v1/push")}\n\n\t\theaders = {{\n\t\t\t\"X-Scope-OrgID\" = {GoString.Quote(m.Text("mimir_username"))},\n\t\t}}\n\t}}\n}}\n";
        var created = pipelines.Upsert(tenant, new Pipeline { Name = "self_monitoring_metrics", Contents = contents, Matchers = ["collector.os=~\".+\""] });
        return new Message(S.SeedResponse) { ["pipelines"] = ToMessage([created]) };
    }
}
