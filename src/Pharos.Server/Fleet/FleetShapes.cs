namespace Pharos.Server.Fleet;

/// <summary>Messages of collector.v1 and pipeline.v1: numbers and names of their published definitions.</summary>
internal static class FleetShapes
{
    private static readonly string[] CollectorTypes = ["COLLECTOR_TYPE_UNSPECIFIED", "COLLECTOR_TYPE_ALLOY", "COLLECTOR_TYPE_OTEL"];
    private static readonly string[] ConfigTypes = ["CONFIG_TYPE_UNSPECIFIED", "CONFIG_TYPE_ALLOY", "CONFIG_TYPE_OTEL"];
    private static readonly string[] Statuses =
        ["RemoteConfigStatuses_UNSET", "RemoteConfigStatuses_APPLIED", "RemoteConfigStatuses_APPLYING", "RemoteConfigStatuses_FAILED"];

    public static Shape Empty { get; } = new("Empty");

    public static Shape Id1 { get; } = new("Request", Text(1, "id"));

    public static Shape Id2 { get; } = new("Request", Text(2, "id"));

    public static Shape Ids { get; } = new("Request", Texts(1, "ids"));

    public static Shape RemoteConfigStatus { get; } = new("RemoteConfigStatus",
        new Field(1, "status", FieldKind.Enum, Values: Statuses), Text(2, "error_message"));

    public static Shape ConfigFile { get; } = new("ConfigFile", Text(1, "body"), Text(2, "content_type"));

    public static Shape ConfigMap { get; } = new("ConfigMap", new Field(1, "config_map", FieldKind.MessageMap, ConfigFile));

    public static Shape EffectiveConfig { get; } = new("EffectiveConfig", new Field(1, "config_map", FieldKind.Message, ConfigMap));

    public static Shape GetConfigRequest { get; } = new("GetConfigRequest",
        Text(1, "id"), Map(2, "attributes"), Text(3, "hash"), Map(4, "local_attributes"),
        new Field(5, "remote_config_status", FieldKind.Message, RemoteConfigStatus), new Field(6, "effective_config", FieldKind.Message, EffectiveConfig));

    public static Shape GetConfigResponse { get; } = new("GetConfigResponse", Text(1, "content"), Text(2, "hash"), new Field(3, "not_modified", FieldKind.Flag));

    public static Shape RegisterRequest { get; } = new("RegisterCollectorRequest",
        Text(1, "id"), Map(2, "attributes"), Text(3, "name"), Map(4, "local_attributes"));

    public static Shape Collector { get; } = new("Collector",
        Text(1, "id"), Map(2, "attribute_overrides"), Time(3, "created_at"), Time(4, "updated_at"), Text(5, "name"), Map(6, "attributes"),
        new Field(7, "enabled", FieldKind.Flag), Map(8, "remote_attributes"), Map(9, "local_attributes"), Time(10, "marked_inactive_at"),
        new Field(11, "collector_type", FieldKind.Enum, Values: CollectorTypes));

    public static Shape CollectorRequest { get; } = new("CollectorRequest", new Field(1, "collector", FieldKind.Message, Collector));

    public static Shape Collectors { get; } = new("Collectors", new Field(1, "collectors", FieldKind.Message, Collector, Repeated: true));

    public static Shape ListCollectorsRequest { get; } = new("ListCollectorsRequest", Texts(1, "matchers"));

    public static Shape Operation { get; } = new("Operation",
        new Field(1, "op", FieldKind.Enum, Values: ["UNKNOWN", "ADD", "REMOVE", "REPLACE", "MOVE", "COPY"]),
        Text(2, "path"), Text(3, "from"), Text(4, "value"), Text(5, "oldValue"));

    public static Shape BulkUpdateRequest { get; } = new("BulkUpdateCollectorsRequest",
        Texts(1, "ids"), new Field(2, "ops", FieldKind.Message, Operation, Repeated: true));

    public static Shape AttributeValue { get; } = new("Value", Text(1, "value"));

    public static Shape AttributeValues { get; } = new("Attributes", new Field(1, "values", FieldKind.Message, AttributeValue, Repeated: true));

    public static Shape ListAttributesResponse { get; } = new("ListCollectorAttributesResponse",
        new Field(1, "attributes", FieldKind.MessageMap, AttributeValues), new Field(2, "attribute_overrides", FieldKind.MessageMap, AttributeValues),
        new Field(3, "local_attributes", FieldKind.MessageMap, AttributeValues), new Field(4, "remote_attributes", FieldKind.MessageMap, AttributeValues));

    public static Shape Source { get; } = new("PipelineSource",
        new Field(1, "type", FieldKind.Enum, Values: ["SOURCE_TYPE_UNSPECIFIED", "SOURCE_TYPE_GIT", "SOURCE_TYPE_TERRAFORM", "SOURCE_TYPE_GRAFANA"]),
        Text(2, "namespace"));

    public static Shape Pipeline { get; } = new("Pipeline",
        Text(1, "name"), Text(2, "contents"), Texts(3, "matchers"), Time(4, "created_at"), Time(5, "updated_at"), new Field(6, "enabled", FieldKind.Flag),
        Text(7, "id"), new Field(8, "metadata", FieldKind.Struct), new Field(9, "source", FieldKind.Message, Source),
        new Field(10, "config_type", FieldKind.Enum, Values: ConfigTypes));

    public static Shape PipelineRequest { get; } = new("PipelineRequest",
        new Field(1, "pipeline", FieldKind.Message, Pipeline), new Field(2, "validate_only", FieldKind.Flag));

    public static Shape Pipelines { get; } = new("Pipelines", new Field(1, "pipelines", FieldKind.Message, Pipeline, Repeated: true));

    public static Shape ListPipelinesRequest { get; } = new("ListPipelinesRequest",
        Map(1, "local_attributes"), Map(2, "remote_attributes"), new Field(3, "config_type", FieldKind.Enum, Values: ConfigTypes), new Field(4, "enabled", FieldKind.Flag));

    public static Shape NameRequest { get; } = new("GetPipelineIDRequest", Text(1, "name"));

    public static Shape IdResponse { get; } = new("GetPipelineIDResponse", Text(1, "id"));

    public static Shape Revision { get; } = new("PipelineRevision",
        Text(1, "revision_id"), new Field(2, "snapshot", FieldKind.Message, Pipeline), Time(3, "created_at"),
        new Field(4, "operation", FieldKind.Enum, Values: ["UNSPECIFIED", "INSERT", "UPDATE", "DELETE"]));

    public static Shape Revisions { get; } = new("PipelineRevisions", new Field(1, "pipeline_revisions", FieldKind.Message, Revision, Repeated: true));

    public static Shape RevisionRequest { get; } = new("GetPipelineRevisionRequest", Text(1, "revision_id"));

    public static Shape SyncRequest { get; } = new("SyncPipelinesRequest",
        new Field(1, "source", FieldKind.Message, Source), new Field(2, "pipelines", FieldKind.Message, Pipeline, Repeated: true));

    public static Shape SeedRequest { get; } = new("CreateAlloyPipelinesRequest",
        Text(1, "mimir_url"), Text(2, "mimir_username"), Text(3, "loki_url"), Text(4, "loki_username"), Text(5, "otlp_endpoint"));

    public static Shape SeedResponse { get; } = new("CreateAlloyPipelinesResponse", new Field(1, "pipelines", FieldKind.Message, Pipelines));

    private static Field Text(uint number, string name) => new(number, name, FieldKind.Text);

    private static Field Texts(uint number, string name) => new(number, name, FieldKind.Text, Repeated: true);

    private static Field Map(uint number, string name) => new(number, name, FieldKind.TextMap);

    private static Field Time(uint number, string name) => new(number, name, FieldKind.Time);
}
