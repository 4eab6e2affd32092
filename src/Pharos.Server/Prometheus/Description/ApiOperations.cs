namespace Pharos.Server.Prometheus.Description;

/// <summary>What each path under <c>/api/v1</c> is for. A test holds it against the routes and their answers.</summary>
internal static class ApiOperations
{
    private static readonly ApiParameter Query = new("query", "The PromQL expression.", Required: true);
    private static readonly ApiParameter Start = new("start", "First time: seconds since 1970 or RFC 3339.");
    private static readonly ApiParameter End = new("end", "Last time: seconds since 1970 or RFC 3339.");
    private static readonly ApiParameter Selectors = new("match[]", "A series selector; a series that any of them selects counts.");
    private static readonly ApiParameter Limit = new("limit", "At most so many results; 0 for all.", "integer");
    private static readonly ApiParameter Pool = new("scrapePool", "Name of the scrape pool.");

    private static readonly ApiParameter[] Evaluation =
    [
        Limit,
        new("timeout", "Longest time that the query may take: a duration or seconds."),
        new("lookback_delta", "How far back an instant selector looks for a sample: a duration or seconds."),
        new("stats", "With any value, statistics of the query are added; with all, samples per step too."),
        new("trace", "With 1, time, series, samples and bytes of every part of the query are added.", "boolean"),
        new("nocache", "With 1, nothing that was kept of earlier queries is used.", "boolean"),
    ];

    private static readonly ApiParameter[] Search =
    [
        Selectors,
        new("search[]", "What is looked for; a name that fits any of them is found."),
        new("fuzz_threshold", "From 0 to 100: how well a name must fit.", "integer"),
        new("fuzz_alg", "subsequence or jarowinkler: how it is told how well a name fits."),
        new("case_sensitive", "With false, upper and lower case are the same.", "boolean"),
        new("sort_by", "alpha or score."),
        new("sort_dir", "asc or dsc, for sort_by=alpha."),
        new("include_score", "With true, each result tells how well it fits, from 0 to 1.", "boolean"),
        Start, End,
        new("limit", "At most so many results, 100 where it is left out.", "integer"),
        new("batch_size", "Results of one line, 100 where it is left out.", "integer"),
    ];

    /// <summary>By path below <c>/api/v1</c>.</summary>
    public static IReadOnlyDictionary<string, ApiOperation> ByPath { get; } = new Dictionary<string, ApiOperation>(StringComparer.Ordinal)
    {
        ["/query"] = new("Evaluates an expression at one time.", "QueryResult", [Query, new("time", "The time, now where it is left out: seconds since 1970 or RFC 3339."), .. Evaluation]),
        ["/query_range"] = new(
            "Evaluates an expression at every step from one time to another.", "QueryResult",
            [Query, Start with { Required = true }, End with { Required = true }, new("step", "Time between two steps: a duration or seconds.", Required: true), .. Evaluation]),
        ["/query_exemplars"] = new("Exemplars of the series that an expression selects.", "SeriesExemplars[]", Query, Start, End),
        ["/format_query"] = new("Writes an expression in the usual form.", "string", Query),
        ["/parse_query"] = new("The syntax tree of an expression.", "Expression", Query),
        ["/series"] = new("Label sets of the series that are selected.", "Labels[]", Selectors with { Required = true }, Start, End, Limit),
        ["/labels"] = new("Names of labels.", "string[]", Selectors, Start, End, Limit),
        ["/label/{name}/values"] = new("Values of a label.", "string[]", new("name", "The label's name, which may be escaped (U__).", Required: true), Selectors, Start, End, Limit),
        ["/metadata"] = new(
            "Type, help and unit of metric families.", "{*: Metadata[]}",
            new("limit", "At most so many families.", "integer"), new("limit_per_metric", "At most so many entries of one family.", "integer"), new("metric", "Only this family.")),
        ["/search/metric_names"] = new(
            "Finds names of metrics; lines of JSON.", null, [.. Search, new("include_metadata", "With true, type, help and unit are added.", "boolean")]) { Media = "application/x-ndjson" },
        ["/search/label_names"] = new("Finds names of labels; lines of JSON.", null, Search) { Media = "application/x-ndjson" },
        ["/search/label_values"] = new("Finds values of a label; lines of JSON.", null, [new("label", "The label's name.", Required: true), .. Search]) { Media = "application/x-ndjson" },
        ["/targets"] = new("Targets that are scraped, and those that the rules dropped.", "Targets", Pool, new("state", "active, dropped or any.")),
        ["/targets/metadata"] = new(
            "Type, help and unit of metric families as each target says them.", "TargetMetadata[]",
            new("match_target", "Selects targets by their labels."), new("metric", "Only this family."),
            new("limit", "Once so many entries are written, no further target is begun; 0 for nothing.", "integer")),
        ["/targets/relabel_steps"] = new(
            "What each relabelling rule of a pool makes of labels.", "{steps: RelabelStep[]}", Pool with { Required = true }, new("labels", "A JSON object of labels.", Required: true)),
        ["/scrape_pools"] = new("Names of the scrape pools.", "{scrapePools: string[]}"),
        ["/scrape_pools/config"] = new("The configuration of a scrape pool, as YAML.", "{yaml: string}", Pool with { Required = true }),
        ["/alertmanagers"] = new("Where alerts are sent.", "{activeAlertmanagers: {url: string}[], droppedAlertmanagers: {url: string}[]}"),
        ["/rules"] = new(
            "Groups of rules with their state.", "{groups: RuleGroup[], groupNextToken?: string}",
            new("type", "alert or record: only such rules."), new("rule_name[]", "Only rules of these names."), new("rule_group[]", "Only these groups."),
            new("file[]", "Only rules of these files."), Selectors with { About = "Only rules whose labels are selected." },
            new("exclude_alerts", "With true, active alerts are left out.", "boolean"), new("group_limit", "At most so many groups.", "integer"),
            new("group_next_token", "The token of the answer before, to go on after it.")),
        ["/alerts"] = new("Alerts that are active.", "{alerts: Alert[]}"),
        ["/features"] = new("What this server can do, by category.", "{*: {*: boolean}}"),
        ["/notifications"] = new("What an operator should know now.", "Notification[]"),
        ["/notifications/live"] = new("The same as server-sent events: first what is active, then every change; 204 where too many listen.", null) { Media = "text/event-stream" },
        ["/openapi.yaml"] = new("This description.", null, new ApiParameter("openapi_version", "3.1 or 3.2: the version of OpenAPI that it is written in.")) { Media = "application/yaml" },
        ["/status/buildinfo"] = new("Version of the program.", "BuildInfo"),
        ["/status/runtimeinfo"] = new("State of the process.", "RuntimeInfo"),
        ["/status/flags"] = new("Flags as the process was started.", "Labels"),
        ["/status/config"] = new("The configuration in force, as YAML, secrets hidden.", "{yaml: string}"),
        ["/status/walreplay"] = new("How far the replay of the write-ahead log is; it is over before anything is served.", "{min: integer, max: integer, current: integer}"),
        ["/status/tsdb"] = new("Cardinality of the head.", "Cardinality", Limit with { About = "At most so many entries of each list; 10 where it is left out." }),
        ["/status/tsdb/blocks"] = new("Blocks on disk.", "{blocks: Block[]}"),
        ["/status/self_metrics"] = new("The process's own metrics.", "MetricFamily[]", new ApiParameter("metric_name_pattern", "A regular expression that the whole name matches.")),
        ["/admin/tsdb/delete_series"] = new("Deletes samples of the series that are selected.", null, Selectors with { Required = true }, Start, End) { Status = 204, Media = null },
        ["/admin/tsdb/clean_tombstones"] = new("Frees the space of deleted samples.", null) { Status = 204, Media = null },
        ["/admin/tsdb/snapshot"] = new("Takes a snapshot of the store and tells its name.", "{name: string}", new ApiParameter("skip_head", "With true, samples that are in no block yet are left out.", "boolean")),
        ["/read"] = new("Remote read.", null) { Body = "application/x-protobuf", Media = "application/x-protobuf" },
        ["/write"] = new("Remote write.", null) { Body = "application/x-protobuf", Status = 204, Media = null },
        ["/otlp/v1/metrics"] = new("Metrics in OTLP.", null) { Body = "application/x-protobuf", Media = "application/x-protobuf" },
    };
}
