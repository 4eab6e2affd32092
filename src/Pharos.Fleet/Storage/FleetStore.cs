using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Fleet;

/// <summary>The fleet's documents in the catalogue.</summary>
internal sealed class FleetStore(ICatalogue catalogue)
{
    private const string CollectorsName = "fleet.collectors", PipelinesName = "fleet.pipelines", RevisionsName = "fleet.revisions", NumbersName = "fleet.numbers";

    public void Transaction(Action<FleetStore> work) => catalogue.Transaction(c => work(new FleetStore(c)));

    public Collector? Collector(TenantId tenant, string id) =>
        catalogue.Get(tenant.Name, CollectorsName, id) is { } found ? JsonSerializer.Deserialize(found.Content, FleetJson.Default.Collector) : null;

    public IReadOnlyList<Collector> Collectors(TenantId tenant) =>
        [.. catalogue.List(tenant.Name, CollectorsName).Select(d => JsonSerializer.Deserialize(d.Content, FleetJson.Default.Collector)!)];

    public void Put(TenantId tenant, Collector collector) =>
        catalogue.Put(tenant.Name, CollectorsName, collector.Id, JsonSerializer.Serialize(collector, FleetJson.Default.Collector));

    public bool DeleteCollector(TenantId tenant, string id) => catalogue.Delete(tenant.Name, CollectorsName, id);

    public Pipeline? Pipeline(TenantId tenant, string id) =>
        catalogue.Get(tenant.Name, PipelinesName, Key(id)) is { } found ? JsonSerializer.Deserialize(found.Content, FleetJson.Default.Pipeline) : null;

    public IReadOnlyList<Pipeline> Pipelines(TenantId tenant) =>
        [.. catalogue.List(tenant.Name, PipelinesName).Select(d => JsonSerializer.Deserialize(d.Content, FleetJson.Default.Pipeline)!)];

    public void Put(TenantId tenant, Pipeline pipeline) =>
        catalogue.Put(tenant.Name, PipelinesName, Key(pipeline.Id), JsonSerializer.Serialize(pipeline, FleetJson.Default.Pipeline));

    public void DeletePipeline(TenantId tenant, string id) => catalogue.Delete(tenant.Name, PipelinesName, Key(id));

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<PipelineRevision> Revisions(TenantId tenant) =>
        [.. catalogue.List(tenant.Name, RevisionsName).Select(d => JsonSerializer.Deserialize(d.Content, FleetJson.Default.PipelineRevision)!)];

    public PipelineRevision? Revision(TenantId tenant, string id) =>
        catalogue.Get(tenant.Name, RevisionsName, Key(id)) is { } found ? JsonSerializer.Deserialize(found.Content, FleetJson.Default.PipelineRevision) : null;

    public void Put(TenantId tenant, PipelineRevision revision) =>
        catalogue.Put(tenant.Name, RevisionsName, Key(revision.RevisionId), JsonSerializer.Serialize(revision, FleetJson.Default.PipelineRevision));

    public void DeleteRevision(TenantId tenant, string id) => catalogue.Delete(tenant.Name, RevisionsName, Key(id));

    /// <summary>The next number of a sequence; never gives one twice.</summary>
    public string NextNumber(TenantId tenant, string sequence)
    {
        long next = 1 + (catalogue.Get(tenant.Name, NumbersName, sequence) is { } last ? long.Parse(last.Content, CultureInfo.InvariantCulture) : 0);
        string text = next.ToString(CultureInfo.InvariantCulture);
        catalogue.Put(tenant.Name, NumbersName, sequence, text);
        return text;
    }

    /// <summary>Numbers in an order that is also that of their text.</summary>
    private static string Key(string id) => id.Length < 20 && id.All(char.IsAsciiDigit) ? id.PadLeft(20, '0') : id;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Collector))]
[JsonSerializable(typeof(Pipeline))]
[JsonSerializable(typeof(PipelineRevision))]
internal sealed partial class FleetJson : JsonSerializerContext;
