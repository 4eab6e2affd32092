using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary>Parameters of a request, from the address and, for POST, from the form.</summary>
internal sealed class LokiRequest
{
    private const long SecondNs = 1_000_000_000;

    private readonly IQueryCollection query;
    private readonly IFormCollection? form;

    private LokiRequest(IQueryCollection query, IFormCollection? form)
    {
        this.query = query;
        this.form = form;
    }

    /// <exception cref="QueryException">The body is a malformed form, or one that is too large.</exception>
    public static async ValueTask<LokiRequest> ReadAsync(HttpContext http) => new(http.Request.Query, await RequestForm.ReadAsync(http));

    public string? this[string name] => All(name).FirstOrDefault();

    public IEnumerable<string> All(string name)
    {
        if (form is not null && form.TryGetValue(name, out StringValues inForm)) return inForm.OfType<string>();
        return query.TryGetValue(name, out StringValues inQuery) ? inQuery.OfType<string>() : [];
    }

    /// <summary>A parameter that must be there.</summary>
    /// <exception cref="QueryException">It is missing or wrong; so for all.</exception>
    public string Required(string name) => this[name] is { Length: > 0 } text ? text : throw Bad($"missing {name} parameter");

    /// <summary>As <see cref="Range(TimeProvider, TimeSpan?)"/>, and nothing that is older than the tenant may see.</summary>
    public (long StartNs, long EndNs) Range(TimeProvider time, TenantLimits limits, TimeSpan? defaultLength = null)
    {
        var (start, end) = Range(time, defaultLength);
        if (limits.QueryLookbackMax <= TimeSpan.Zero) return (start, end);
        long oldest = time.UnixNs() - (limits.QueryLookbackMax.Ticks * 100);
        return (Math.Max(start, oldest), Math.Max(end, oldest));
    }

    /// <summary>Start and end, nanoseconds: one hour up to now, unless said otherwise.</summary>
    public (long StartNs, long EndNs) Range(TimeProvider time, TimeSpan? defaultLength = null)
    {
        long now = time.UnixNs();
        long end = Time("end", now);
        long start = this["since"] is { Length: > 0 } since ? Math.Min(end, now) - Duration("since", since) : Math.Min(end, now) - ((defaultLength ?? TimeSpan.FromHours(1)).Ticks * 100);
        start = Time("start", start);
        if (start > end) throw Bad($"end timestamp must not be before or equal to start time: start {start}, end {end}");
        return (start, end);
    }

    public long Time(string name, long otherwise)
    {
        if (this[name] is not { Length: > 0 } text) return otherwise;
        if (TryTime(text, out long ns)) return ns;
        throw Bad($"could not parse '{name}' parameter: \"{text}\" is no Unix time in seconds or nanoseconds and no RFC 3339 time");
    }

    /// <summary>A duration in seconds or Prometheus's form; nanoseconds.</summary>
    public long Duration(string name, long otherwiseNs) => this[name] is { Length: > 0 } text ? Duration(name, text) : otherwiseNs;

    public int Whole(string name, int otherwise)
    {
        if (this[name] is not { Length: > 0 } text) return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return value;
        throw Bad($"invalid {name} \"{text}\": use a whole number that is not negative");
    }

    /// <summary>The step: as given, else a 250th of the range, at least one second.</summary>
    public long Step(long startNs, long endNs)
    {
        long step = Duration("step", Math.Max(1, (endNs - startNs) / SecondNs / 250) * SecondNs);
        return step > 0 ? step : throw Bad("zero or negative query resolution step widths are not accepted. Try a positive integer");
    }

    public bool Backward => this["direction"]?.ToLowerInvariant() switch
    {
        null or "" or "backward" => true,
        "forward" => false,
        var other => throw Bad($"invalid direction '{other}': use forward or backward"),
    };

    /// <summary>Seconds (ten digits or fewer, or with a fraction), nanoseconds, or RFC 3339.</summary>
    public static bool TryTime(string text, out long ns)
    {
        ns = 0;
        if (text.Contains('.') && !text.Contains('T') && double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out double seconds))
        {
            ns = (long)Math.Round(seconds * 1000) * 1_000_000;
            return Math.Abs(seconds) < 9e9;
        }
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole))
        {
            ns = text.Length <= 10 ? whole * SecondNs : whole;
            return true;
        }
        return UnixTime.TryRfc3339Ns(text, out ns);
    }

    private static long Duration(string name, string text)
    {
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds < 9e9) return (long)(seconds * SecondNs);
        if (PromDuration.TryParseMs(text, out long ms, out string? error)) return ms * 1_000_000;
        throw Bad($"could not parse '{name}' parameter: {error}");
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
