using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Http;

namespace Pharos.Server.Prometheus;

/// <summary>Parameters of a request: the form body before the query string, as Go's FormValue has it.</summary>
internal sealed class QueryParameters
{
    private readonly IQueryCollection url;
    private readonly IFormCollection? form;

    private QueryParameters(IQueryCollection url, IFormCollection? form)
    {
        this.url = url;
        this.form = form;
    }

    /// <exception cref="QueryException">The body is no form, or too large.</exception>
    public static async ValueTask<QueryParameters> ReadAsync(HttpContext http)
    {
        return new QueryParameters(http.Request.Query, HttpMethods.IsPost(http.Request.Method) ? await RequestForm.ReadAsync(http) : null);
    }

    /// <summary>The first value; empty where the parameter is missing.</summary>
    public string this[string name]
    {
        get
        {
            if (form is not null && form.TryGetValue(name, out var posted) && posted.Count > 0) return posted[0] ?? "";
            return url.TryGetValue(name, out var given) && given.Count > 0 ? given[0] ?? "" : "";
        }
    }

    public IReadOnlyList<string> All(string name)
    {
        var values = new List<string>();
        if (form is not null && form.TryGetValue(name, out var posted)) values.AddRange(posted.OfType<string>());
        if (url.TryGetValue(name, out var given)) values.AddRange(given.OfType<string>());
        return values;
    }

    /// <summary>A time: seconds since 1970, with a fraction, or RFC 3339. Milliseconds out.</summary>
    public long TimeMs(string name, long otherwise)
    {
        string text = this[name];
        if (text.Length == 0) return otherwise;
        return TryTimeMs(text, out long ms) ? ms : throw Invalid(name, $"cannot parse {GoString.Quote(text)} to a valid timestamp");
    }

    public long RequiredTimeMs(string name) =>
        this[name].Length > 0 ? TimeMs(name, 0) : throw Invalid(name, "cannot parse \"\" to a valid timestamp");

    /// <summary>A duration: seconds, with a fraction, or as in queries (<c>5m</c>). Null where missing.</summary>
    public TimeSpan? Duration(string name)
    {
        string text = this[name];
        if (text.Length == 0) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds))
        {
            if (!double.IsFinite(seconds) || Math.Abs(seconds) > 9_223_372_036)
                throw Invalid(name, $"cannot parse {GoString.Quote(text)} to a valid duration. It overflows int64");
            return TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        }
        return PromDuration.TryParse(text, out var duration, out _)
            ? duration
            : throw Invalid(name, $"cannot parse {GoString.Quote(text)} to a valid duration");
    }

    /// <summary>A limit; 0 means none.</summary>
    public int Limit(string name = "limit")
    {
        string text = this[name];
        if (text.Length == 0) return 0;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int limit)) throw Invalid(name, $"{GoString.Quote(text)} is not a whole number");
        return limit >= 0 ? limit : throw Invalid(name, "limit must be non-negative");
    }

    /// <summary>True for 1 and true; false where missing.</summary>
    public bool Flag(string name) => this[name].ToLowerInvariant() switch
    {
        "1" or "true" or "t" => true,
        "" or "0" or "false" or "f" => false,
        var text => throw Invalid(name, $"{GoString.Quote(text)} is neither true nor false"),
    };

    /// <summary>The series selectors in <c>match[]</c>.</summary>
    public IReadOnlyList<IReadOnlyList<Matcher>> Selectors()
    {
        var sets = new List<IReadOnlyList<Matcher>>();
        foreach (string selector in All("match[]"))
        {
            try
            {
                sets.Add(PromQlLanguage.ParseSelector(selector));
            }
            catch (QueryException e)
            {
                throw Invalid("match[]", e.Message);
            }
        }
        return sets;
    }

    public TimeRange Range() => new(TimeMs("start", long.MinValue), TimeMs("end", long.MaxValue));

    public static QueryException Invalid(string name, string message) => new(QueryErrorKind.BadData, $"invalid parameter \"{name}\": {message}");

    internal static bool TryTimeMs(string text, out long ms)
    {
        ms = 0;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds))
        {
            if (!double.IsFinite(seconds)) return false;
            ms = Math.Abs(seconds) > 9_223_372_036_854_775 ? (seconds > 0 ? long.MaxValue : long.MinValue) : (long)Math.Round(seconds * 1000);
            return true;
        }
        // What Go prints for the earliest and latest times that Prometheus knows.
        if (text == "-292273086-05-16T16:47:06Z") return Far(long.MinValue, out ms);
        if (text == "+292277025-08-18T07:12:54.999999999Z") return Far(long.MaxValue, out ms);
        if (!text.Contains('T', StringComparison.OrdinalIgnoreCase)
            || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return false;
        ms = time.ToUnixTimeMilliseconds();
        return true;

        static bool Far(long value, out long into)
        {
            into = value;
            return true;
        }
    }

    /// <summary>Undoes the escaping of a name in a path: <c>U__http_2e_requests</c> is <c>http.requests</c>. Other names stay as they are.</summary>
    internal static string UnescapeName(string name)
    {
        if (!name.StartsWith("U__", StringComparison.Ordinal)) return name;
        var text = new StringBuilder();
        for (int i = 3; i < name.Length; i++)
        {
            if (name[i] != '_')
            {
                text.Append(name[i]);
                continue;
            }
            if (i + 1 < name.Length && name[i + 1] == '_')
            {
                text.Append('_');
                i++;
                continue;
            }
            int end = name.IndexOf('_', i + 1);
            if (end < 0 || end - i - 1 is 0 or > 6
                || !int.TryParse(name.AsSpan(i + 1, end - i - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int point)
                || !Rune.IsValid(point)) return name;
            text.Append(new Rune(point));
            i = end;
        }
        return text.ToString();
    }
}
