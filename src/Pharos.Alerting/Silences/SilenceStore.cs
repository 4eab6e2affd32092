using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Alerting;

/// <summary>A tenant's silences, each written through to the catalogue. Not safe for several threads: its owner locks.</summary>
internal sealed class SilenceStore
{
    public const string Collection = "silences";

    private readonly Dictionary<string, Silence> silences = new(StringComparer.Ordinal);
    private readonly ICatalogue catalogue;
    private readonly string tenant;
    private readonly AlertRouterOptions options;

    public SilenceStore(ICatalogue catalogue, string tenant, AlertRouterOptions options)
    {
        this.catalogue = catalogue;
        this.tenant = tenant;
        this.options = options;
        foreach (var document in catalogue.List(tenant, Collection))
        {
            if (StateJson.ReadSilence(document.Content) is { } silence) silences[silence.Id] = silence;
        }
    }

    public IEnumerable<Silence> All => silences.Values;

    public Silence? Find(string id) => silences.GetValueOrDefault(id);

    /// <summary>The silences that mute an alert now, oldest first.</summary>
    public List<Silence> Muting(Labels alert, DateTimeOffset now)
    {
        List<Silence> found = [];
        foreach (var silence in silences.Values)
        {
            if (silence.StateAt(now) == SilenceState.Active && silence.Matches(alert)) found.Add(silence);
        }
        if (found.Count > 1) found.Sort(static (a, b) => string.CompareOrdinal(a.Id, b.Id));
        return found;
    }

    /// <summary>Stores a new silence, or changes one: in place where that keeps its meaning, else as a new one, the old one expiring.</summary>
    /// <returns>As stored; its id may differ from the one given.</returns>
    /// <exception cref="SilenceException">It is not valid, or a limit is reached.</exception>
    public Silence Set(Silence silence, DateTimeOffset now)
    {
        Check(silence);
        Silence? previous = null;
        if (silence.Id.Length > 0 && !silences.TryGetValue(silence.Id, out previous)) throw new SilenceException($"silence {silence.Id} not found", notFound: true);
        if (previous is not null && CanChange(previous, silence, now)) return Write(silence with { UpdatedAt = now });
        if (options.SilencesMax > 0 && silences.Count >= options.SilencesMax)
            throw new SilenceException($"exceeded maximum number of silences: {silences.Count} (limit: {options.SilencesMax})");
        if (previous is not null && previous.StateAt(now) != SilenceState.Expired) Expire(previous, now);
        return Write(silence with
        {
            Id = Guid.NewGuid().ToString(),
            StartsAt = silence.StartsAt < now ? now : silence.StartsAt,
            UpdatedAt = now,
        });
    }

    /// <summary>Ends a silence now.</summary>
    /// <exception cref="SilenceException">There is none of this id.</exception>
    public void Expire(string id, DateTimeOffset now)
    {
        if (!silences.TryGetValue(id, out var silence)) throw new SilenceException($"silence {id} not found", notFound: true);
        if (silence.StateAt(now) != SilenceState.Expired) Expire(silence, now);
    }

    /// <summary>Takes away silences that expired longer ago than the retention.</summary>
    public int Collect(DateTimeOffset now)
    {
        var old = silences.Values.Where(s => s.EndsAt + options.Retention <= now).ToList();
        foreach (var silence in old)
        {
            silences.Remove(silence.Id);
            catalogue.Delete(tenant, Collection, silence.Id);
        }
        return old.Count;
    }

    private void Expire(Silence silence, DateTimeOffset now) =>
        Write(silence with { StartsAt = silence.StartsAt > now ? now : silence.StartsAt, EndsAt = now, UpdatedAt = now });

    private Silence Write(Silence silence)
    {
        string json = StateJson.Write(silence);
        if (options.SilenceBytesMax > 0 && json.Length > options.SilenceBytesMax)
            throw new SilenceException($"silence exceeded maximum size: {json.Length} bytes (limit: {options.SilenceBytesMax} bytes)");
        catalogue.Put(tenant, Collection, silence.Id, json);
        silences[silence.Id] = silence;
        return silence;
    }

    private static void Check(Silence silence)
    {
        if (silence.Matchers.Count == 0) throw new SilenceException("invalid silence: at least one matcher required");
        if (silence.Matchers.All(m => m.MatchesEmpty)) throw new SilenceException("invalid silence: at least one matcher must not match the empty string");
        if (silence.Matchers.Any(m => m.Name.Length == 0)) throw new SilenceException("invalid silence: invalid label matcher: invalid label name \"\"");
        if (silence.EndsAt < silence.StartsAt) throw new SilenceException("invalid silence: end time must not be before start time");
    }

    private static bool CanChange(Silence old, Silence changed, DateTimeOffset now)
    {
        if (!old.Matchers.SequenceEqual(changed.Matchers)) return false;
        return old.StateAt(now) switch
        {
            SilenceState.Active => old.StartsAt.ToUnixTimeSeconds() == changed.StartsAt.ToUnixTimeSeconds() && changed.EndsAt >= now,
            SilenceState.Pending => changed.StartsAt >= now,
            _ => false,
        };
    }
}
