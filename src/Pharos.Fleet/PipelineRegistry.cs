using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Fleet;

/// <summary>The pipelines of all tenants and their history. Safe for several threads.</summary>
/// <param name="check">Checks contents of Alloy pipelines before they are stored; null takes anything.</param>
public sealed class PipelineRegistry(ICatalogue catalogue, TimeProvider time, PipelineCheck? check = null, FleetOptions? options = null)
{
    private readonly FleetStore store = new(catalogue);
    private readonly FleetOptions options = options ?? new FleetOptions();
    private readonly Lock gate = new();

    /// <exception cref="FleetException">There is none.</exception>
    public Pipeline Get(TenantId tenant, string id) => store.Pipeline(tenant, id) ?? throw new FleetException(FleetErrorCode.NotFound, $"there is no pipeline with id \"{id}\"");

    /// <exception cref="FleetException">There is none.</exception>
    public Pipeline GetByName(TenantId tenant, string name) => Find(store, tenant, name) ?? throw new FleetException(FleetErrorCode.NotFound, $"there is no pipeline \"{name}\"");

    /// <summary>Pipelines in order of their names.</summary>
    /// <param name="attributes">Only those whose matchers fit; null for all.</param>
    public IReadOnlyList<Pipeline> List(
        TenantId tenant, IReadOnlyDictionary<string, string>? attributes = null, ConfigType type = ConfigType.Unspecified, bool? enabled = null) =>
    [
        .. store.Pipelines(tenant)
            .Where(p => (type == ConfigType.Unspecified || p.ConfigType == type) && (enabled is null || p.Enabled == enabled))
            .Where(p => attributes is null || AttributeMatchers.Fit([.. p.Matchers.Select(AttributeMatchers.Parse)], attributes))
            .OrderBy(p => p.Name, StringComparer.Ordinal),
    ];

    /// <param name="validateOnly">Gives what would be stored, and stores nothing.</param>
    /// <exception cref="FleetException">The name is taken, or the pipeline is not valid.</exception>
    public Pipeline Create(TenantId tenant, Pipeline pipeline, bool validateOnly = false) => Write(tenant, pipeline, mayExist: false, mustExist: false, validateOnly);

    /// <summary>Replaces the pipeline of that id, or of that name where no id is given.</summary>
    /// <inheritdoc cref="Create"/>
    public Pipeline Update(TenantId tenant, Pipeline pipeline, bool validateOnly = false) => Write(tenant, pipeline, mayExist: true, mustExist: true, validateOnly);

    /// <inheritdoc cref="Create"/>
    public Pipeline Upsert(TenantId tenant, Pipeline pipeline, bool validateOnly = false) => Write(tenant, pipeline, mayExist: true, mustExist: false, validateOnly);

    /// <summary>Deletes pipelines, all or none.</summary>
    /// <exception cref="FleetException">One is not known; none was deleted.</exception>
    public void Delete(TenantId tenant, params IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) throw Invalid("ids must not be empty");
        lock (gate)
        {
            store.Transaction(inside =>
            {
                foreach (string id in ids.Distinct())
                {
                    var pipeline = inside.Pipeline(tenant, id) ?? throw new FleetException(FleetErrorCode.NotFound, $"there is no pipeline with id \"{id}\"");
                    inside.DeletePipeline(tenant, id);
                    Remember(inside, tenant, pipeline, RevisionOperation.Delete);
                }
            });
        }
    }

    /// <summary>
    /// Makes the pipelines of one source exactly these: new and changed ones are written, also over those of other sources,
    /// and the source's others are deleted. All or nothing.
    /// </summary>
    /// <exception cref="FleetException">Something is not valid; nothing was changed.</exception>
    public void Sync(TenantId tenant, PipelineSource source, IReadOnlyList<Pipeline> pipelines)
    {
        if (source.Type == SourceType.Unspecified) throw Invalid("source.type is required");
        foreach (var pipeline in pipelines) Check(pipeline);
        string? twice = pipelines.GroupBy(p => p.Name).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (twice is not null) throw Invalid($"pipeline \"{twice}\" is given twice");
        lock (gate)
        {
            store.Transaction(inside =>
            {
                var existing = inside.Pipelines(tenant).ToDictionary(p => p.Name);
                foreach (var gone in existing.Values.Where(p => p.Source == source && pipelines.All(n => n.Name != p.Name)))
                {
                    inside.DeletePipeline(tenant, gone.Id);
                    Remember(inside, tenant, gone, RevisionOperation.Delete);
                }
                foreach (var pipeline in pipelines)
                {
                    var before = existing.GetValueOrDefault(pipeline.Name);
                    var wanted = pipeline with { Source = source };
                    if (before is not null && Same(before, wanted)) continue;
                    Put(inside, tenant, wanted, before);
                }
                CheckCount(inside, tenant);
            });
        }
    }

    /// <summary>All changes, oldest first; of one pipeline where its id is given, deleted ones included.</summary>
    public IReadOnlyList<PipelineRevision> Revisions(TenantId tenant, string? pipelineId = null) =>
        [.. store.Revisions(tenant).Where(r => pipelineId is null || r.Snapshot.Id == pipelineId)];

    /// <exception cref="FleetException">There is none.</exception>
    public PipelineRevision Revision(TenantId tenant, string id) =>
        store.Revision(tenant, id) ?? throw new FleetException(FleetErrorCode.NotFound, $"there is no revision \"{id}\"");

    private Pipeline Write(TenantId tenant, Pipeline pipeline, bool mayExist, bool mustExist, bool validateOnly)
    {
        Check(pipeline);
        lock (gate)
        {
            Pipeline? result = null;
            void Work(FleetStore inside)
            {
                var named = Find(inside, tenant, pipeline.Name);
                var before = mayExist && pipeline.Id.Length > 0 ? inside.Pipeline(tenant, pipeline.Id) : named;
                if (mustExist && before is null) throw new FleetException(FleetErrorCode.NotFound, $"there is no pipeline \"{pipeline.Name}\"");
                if (named is not null && (!mayExist || named.Id != before?.Id))
                    throw new FleetException(FleetErrorCode.AlreadyExists, $"pipeline \"{pipeline.Name}\" exists already");
                var now = time.GetUtcNow();
                if (validateOnly)
                {
                    result = pipeline with { Id = before?.Id ?? "", CreatedAt = before?.CreatedAt ?? now, UpdatedAt = now };
                    return;
                }
                result = Put(inside, tenant, pipeline, before);
                CheckCount(inside, tenant);
            }

            if (validateOnly) Work(store);
            else store.Transaction(Work);
            return result!;
        }
    }

    private Pipeline Put(FleetStore inside, TenantId tenant, Pipeline pipeline, Pipeline? before)
    {
        var now = time.GetUtcNow();
        var stored = pipeline with
        {
            Id = before?.Id ?? inside.NextNumber(tenant, "pipeline"),
            CreatedAt = before?.CreatedAt ?? now,
            UpdatedAt = now,
            ConfigType = pipeline.ConfigType == ConfigType.Unspecified ? ConfigType.Alloy : pipeline.ConfigType,
        };
        inside.Put(tenant, stored);
        Remember(inside, tenant, stored, before is null ? RevisionOperation.Insert : RevisionOperation.Update);
        return stored;
    }

    private void Remember(FleetStore inside, TenantId tenant, Pipeline snapshot, RevisionOperation operation)
    {
        inside.Put(tenant, new PipelineRevision(inside.NextNumber(tenant, "revision"), snapshot, time.GetUtcNow(), operation));
        var own = inside.Revisions(tenant).Where(r => r.Snapshot.Id == snapshot.Id).ToList();
        foreach (var old in own.Take(Math.Max(0, own.Count - options.RevisionsMax))) inside.DeleteRevision(tenant, old.RevisionId);
    }

    private void Check(Pipeline pipeline)
    {
        if (pipeline.Name.Length == 0) throw Invalid("pipeline.name is required");
        if (pipeline.Name.Length > 200) throw Invalid("pipeline.name is longer than 200 characters");
        if (pipeline.Contents.Length == 0) throw Invalid("pipeline.contents is required");
        if (pipeline.Contents.Length > options.ContentsMax) throw Invalid($"pipeline.contents is longer than {options.ContentsMax} characters");
        foreach (string matcher in pipeline.Matchers)
        {
            if (matcher.Length > options.MatcherMax) throw Invalid($"a matcher is longer than {options.MatcherMax} characters");
            try
            {
                AttributeMatchers.Parse(matcher);
            }
            catch (FormatException bad)
            {
                throw Invalid(bad.Message);
            }
        }
        if (check is null || pipeline.ConfigType == ConfigType.OpenTelemetry) return;
        var errors = check(pipeline.Contents).Where(f => f.Severity == Severity.Error).ToList();
        if (errors.Count > 0) throw Invalid($"pipeline \"{pipeline.Name}\" has {errors.Count} error{(errors.Count == 1 ? "" : "s")}:\n{string.Join('\n', errors)}");
    }

    private void CheckCount(FleetStore inside, TenantId tenant)
    {
        int count = inside.Pipelines(tenant).Count;
        if (count > options.PipelinesMax) throw new FleetException(FleetErrorCode.ResourceExhausted, $"{count} pipelines are more than the {options.PipelinesMax} allowed");
    }

    private static Pipeline? Find(FleetStore inside, TenantId tenant, string name) => inside.Pipelines(tenant).FirstOrDefault(p => p.Name == name);

    private static bool Same(Pipeline a, Pipeline b) =>
        a.Contents == b.Contents && a.Enabled == b.Enabled && a.Source == b.Source && a.Metadata == b.Metadata && a.Matchers.SequenceEqual(b.Matchers);

    private static FleetException Invalid(string message) => new(FleetErrorCode.InvalidArgument, message);
}
