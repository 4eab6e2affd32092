namespace Pharos.Server.Prometheus.Description;

/// <summary>What answers are made of, in <see cref="ShapeNotation"/>.</summary>
internal static class ApiShapes
{
    private const string Extras = "stats?: Statistics, trace?: Trace";
    private const string Timing = "offset: integer, timestamp?: integer|null, startOrEnd?: 'start'|'end'|null";
    private const string Selected = "matchers: {name: string, value: string, type: '='|'!='|'=~'|'!~'}[], anchored?: boolean, smoothed?: boolean";
    private const string RuleEnd = "health: 'ok'|'err'|'unknown', lastError?: string, evaluationTime: number, lastEvaluation: string";

    /// <summary>By the name under which they stand in the description.</summary>
    public static IReadOnlyDictionary<string, string> ByName { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["Labels"] = "{*: string}",

        // Queries: values are numbers as texts, times are seconds since 1970.
        ["Point"] = "[number, string]",
        ["Histogram"] = "{count: string, sum: string, buckets?: [integer, string, string, string][]}",
        ["HistogramPoint"] = "[number, Histogram]",
        ["Sample"] = "{metric: Labels, value?: Point, histogram?: HistogramPoint}",
        ["Series"] = "{metric: Labels, values?: Point[], histograms?: HistogramPoint[]}",
        ["QueryResult"] = $"{{resultType: 'vector', result: Sample[], {Extras}}}|{{resultType: 'matrix', result: Series[], {Extras}}}|{{resultType: 'scalar'|'string', result: Point, {Extras}}}",
        ["Statistics"] =
            "{timings: {evalTotalTime: number, resultSortTime: number, queryPreparationTime: number, innerEvalTime: number, execQueueTime: number, execTotalTime: number}, "
            + "samples: {totalQueryableSamplesPerStep?: [number, integer][], totalQueryableSamples: integer, peakSamples: integer}}",
        ["Trace"] = "{queueSeconds: number, evaluationSeconds: number, peakBytes: integer, peakSamples: integer, root: TracePart}",
        ["TracePart"] =
            "{expression: string, position: string, seconds: number, ownSeconds: number, series: integer, seriesRead?: integer, samplesRead?: integer, bytesRead?: integer, "
            + "children?: TracePart[]}",
        ["SeriesExemplars"] = "{seriesLabels: Labels, exemplars: {labels: Labels, value: string, timestamp: number}[]}",

        ["Expression"] =
            "{type: 'aggregation', op: string, expr: Expression, param?: Expression|null, grouping: string[], without: boolean}"
            + "|{type: 'binaryExpr', op: string, lhs: Expression, rhs: Expression, matching?: Matching|null, bool: boolean}"
            + "|{type: 'call', func: {name: string, argTypes: ValueType[], variadic: integer, returnType: ValueType}, args: Expression[]}"
            + $"|{{type: 'matrixSelector', name: string, range: integer, {Timing}, {Selected}}}"
            + $"|{{type: 'subquery', expr: Expression, range: integer, step: integer, {Timing}}}"
            + "|{type: 'numberLiteral'|'stringLiteral', val: string}|{type: 'parenExpr', expr: Expression}|{type: 'unaryExpr', op: '+'|'-', expr: Expression}"
            + $"|{{type: 'vectorSelector', name: string, {Timing}, {Selected}}}",
        ["ValueType"] = "'scalar'|'string'|'vector'|'matrix'",
        ["Matching"] =
            "{card: 'one-to-one'|'many-to-one'|'one-to-many'|'many-to-many', labels: string[], on: boolean, include: string[], fillValues?: {lhs?: string, rhs?: string}}",

        ["Metadata"] = "{type: string, help: string, unit: string}",
        ["TargetMetadata"] = "{target: Labels, metric?: string, type: string, help: string, unit: string}",

        // Scraping.
        ["Targets"] = "{activeTargets: ActiveTarget[], droppedTargets: {discoveredLabels: Labels, scrapePool: string}[], droppedTargetCounts: {*: integer}}",
        ["ActiveTarget"] =
            "{discoveredLabels: Labels, labels: Labels, scrapePool: string, scrapeUrl: string, globalUrl: string, lastError: string, lastScrape: string, "
            + "lastScrapeDuration: number, health: 'up'|'down'|'unknown', scrapeInterval: string, scrapeTimeout: string}",
        ["RelabelStep"] =
            "{rule: {source_labels?: string[], separator: string, regex: string, modulus?: integer, target_label?: string, replacement: string, action: string}, "
            + "output: Labels, keep: boolean}",

        // Rules and alerts.
        ["RuleGroup"] =
            "{name: string, file: string, placement?: 'metrics'|'logs', rules: Rule[], interval: number, limit: integer, sourceTenants?: string[], evaluationTime: number, lastEvaluation: string}",
        ["Rule"] =
            "{type: 'alerting', state: 'unknown'|'inactive'|'pending'|'firing', name: string, query: string, duration: number, keepFiringFor: number, labels: Labels, "
            + $"annotations: Labels, alerts?: Alert[], {RuleEnd}}}|{{type: 'recording', name: string, query: string, labels?: Labels, {RuleEnd}}}",
        ["Alert"] = "{labels: Labels, annotations: Labels, state: 'pending'|'firing', activeAt: string, keepFiringSince?: string, value: string}",

        // The server itself.
        ["BuildInfo"] = "{application: string, version: string, revision: string, branch: string, buildUser: string, buildDate: string, goVersion: string, features?: {*: any}}",
        ["RuntimeInfo"] =
            "{startTime: string, CWD: string, hostname: string, serverTime: string, reloadConfigSuccess: boolean, lastConfigTime: string, corruptionCount: integer, "
            + "goroutineCount: integer, GOMAXPROCS: integer, GOMEMLIMIT: integer, GOGC: string, GODEBUG: string, storageRetention: string}",
        ["NamedCounts"] = "{name: string, value: integer}[]",
        ["Cardinality"] =
            "{headStats: {numSeries: integer, numLabelPairs: integer, chunkCount: integer, minTime: integer, maxTime: integer}, seriesCountByMetricName: NamedCounts, "
            + "labelValueCountByLabelName: NamedCounts, memoryInBytesByLabelName: NamedCounts, seriesCountByLabelValuePair: NamedCounts}",
        ["Block"] =
            "{ulid: string, minTime: integer, maxTime: integer, stats: {numSamples: integer, numSeries: integer, numChunks: integer}, compaction: {level: integer}, version: integer}",
        ["Notification"] = "{text: string, date: string, active: boolean}",
        ["MetricFamily"] = "{name: string, help: string, type: 'COUNTER'|'GAUGE'|'HISTOGRAM', metric: MetricCell[]}",
        ["MetricCell"] =
            "{label: {name: string, value: string}[], counter?: {value: number|string}, gauge?: {value: number|string}, "
            + "histogram?: {sampleCount: string, sampleSum: number|string, bucket: {cumulativeCount: string, upperBound: number|string}[]}}",
    };
}
