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

    /// <summary>The year 2262. Times beyond it, and as far before 1970, mean it: arithmetic with steps and hours has room up to the end of 64 bits.</summary>
    private const long LatestNs = 9_214_646_400 * SecondNs;

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
        long since = Duration("since", (defaultLength ?? TimeSpan.FromHours(1)).Ticks * 100);
        if (since < 0) throw Bad($"could not parse 'since' parameter: \"{this["since"]}\" is negative");
        long start = Time("start", Math.Max(Math.Min(end, now), since - LatestNs) - since);
        if (start > end) throw Bad($"end timestamp must not be before or equal to start time: start {start}, end {end}");
        if ((Int128)end - start > long.MaxValue) throw Bad($"the time range is longer than 292 years: start {start}, end {end}");
        return (start, end);
    }

    public long Time(string name, long otherwise)
    {
        if (this[name] is not { Length: > 0 } text) return otherwise;
        if (TryTime(text, out long ns)) return Math.Clamp(ns, -LatestNs, LatestNs);
        throw Bad($"could not parse '{name}' parameter: \"{text}\" is no Unix time in seconds or nanoseconds and no RFC 3339 time of the years 1678 to 2261");
    }

    /// <summary>A duration in seconds or Prometheus's form; nanoseconds.</summary>
    public long Duration(string name, long otherwiseNs) => this[name] is { Length: > 0 } text ? Duration(name, text) : otherwiseNs;

    /// <summary>How many lines or results are asked for.</summary>
    public int Limit() => Positive("limit", 100);

    public int Positive(string name, int otherwise) => Whole(name, otherwise) is > 0 and var value ? value : throw Bad($"{name} must be a positive value");

    public int Whole(string name, int otherwise)
    {
        if (this[name] is not { Length: > 0 } text) return otherwise;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return value;
        throw Bad($"invalid {name} \"{text}\": use a whole number from 0 to {int.MaxValue}");
    }

    /// <summary>The least time between lines of an answer, nanoseconds; 0 for all lines.</summary>
    public long Interval() => Duration("interval", 0) is >= 0 and var interval ? interval : throw Bad("interval must be >= 0");

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
            bool isSeconds = text.Length <= 10;
            ns = isSeconds ? unchecked(whole * SecondNs) : whole;
            return !isSeconds || Math.Abs(whole) <= long.MaxValue / SecondNs;
        }
        return UnixTime.TryRfc3339Ns(text, out ns);
    }

    private static long Duration(string name, string text)
    {
        const NumberStyles number = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent;
        if (double.TryParse(text, number, CultureInfo.InvariantCulture, out double seconds) && Math.Abs(seconds) < 9e9) return (long)(seconds * SecondNs);
        if (PromDuration.TryParseMs(text, out long ms, out string? error)) return ms * 1_000_000;
        throw Bad($"could not parse '{name}' parameter: {error}");
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
