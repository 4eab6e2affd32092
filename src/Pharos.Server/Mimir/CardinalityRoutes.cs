using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.PromQL;
using Pharos.Server.Http;
using Pharos.Server.Prometheus;

namespace Pharos.Server.Mimir;

/// <summary>
/// <c>/api/v1/cardinality/label_names</c>, <c>label_values</c>, <c>active_series</c>: what makes a tenant's series many, of the series in memory.
/// Off unless <c>cardinality_analysis_enabled</c> is set. Source: Mimir's cardinality API.
/// </summary>
internal sealed class CardinalityRoutes
{
    private const int DefaultLimit = 20;

    private static readonly string[] GetAndPost = ["GET", "POST"];

    private readonly MetricStore store;
    private readonly ITenantLimits limits;

    private CardinalityRoutes(MetricStore store, ITenantLimits limits)
    {
        this.store = store;
        this.limits = limits;
    }

    public static void Map(IEndpointRouteBuilder routes, MetricStore store, ITenantLimits limits)
    {
        var api = new CardinalityRoutes(store, limits);
        Map("label_names", api.LabelNamesAsync);
        Map("label_values", api.LabelValuesAsync);
        Map("active_series", api.ActiveSeriesAsync);

        void Map(string name, Func<HttpContext, QueryParameters, TenantLimits, Task> handle) =>
            routes.MapMethods($"/api/v1/cardinality/{name}", GetAndPost, http => api.GuardAsync(http, handle));
    }

    private async Task GuardAsync(HttpContext http, Func<HttpContext, QueryParameters, TenantLimits, Task> handle)
    {
        var allowed = limits.For(http.Tenant());
        try
        {
            if (!allowed.CardinalityAnalysis)
                throw new QueryException(QueryErrorKind.BadData, $"cardinality analysis is disabled for the tenant: {http.Tenant()}; to enable it, set cardinality_analysis_enabled");
            await handle(http, await QueryParameters.ReadAsync(http), allowed);
        }
        catch (QueryException wrong)
        {
            // Mimir answers these in plain text.
            http.Response.StatusCode = wrong.Kind == QueryErrorKind.BadData ? StatusCodes.Status400BadRequest : StatusCodes.Status422UnprocessableEntity;
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.WriteAsync(wrong.Message + "\n");
        }
    }

    private async Task LabelNamesAsync(HttpContext http, QueryParameters parameters, TenantLimits allowed)
    {
        int limit = Limit(parameters, allowed);
        var found = store.Cardinality(http.Tenant(), Selector(parameters), ActiveOnly(parameters), null, http.RequestAborted);
        await WriteAsync(http, json =>
        {
            json.WriteNumber("label_values_count_total"u8, found.Sum(l => (long)l.Values.Count));
            json.WriteNumber("label_names_count"u8, found.Count);
            json.WriteStartArray("cardinality"u8);
            foreach (var label in found.OrderByDescending(l => l.Values.Count).ThenBy(l => l.Name, StringComparer.Ordinal).Take(limit))
            {
                json.WriteStartObject();
                json.WriteString("label_name"u8, label.Name);
                json.WriteNumber("label_values_count"u8, label.Values.Count);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private async Task LabelValuesAsync(HttpContext http, QueryParameters parameters, TenantLimits allowed)
    {
        string[] names = [.. parameters.All("label_names[]").Distinct(StringComparer.Ordinal)];
        if (names.Length == 0) throw new QueryException(QueryErrorKind.BadData, "'label_names[]' param is required");
        if (names.Contains("")) throw new QueryException(QueryErrorKind.BadData, "invalid 'label_names' param ''");
        if (allowed.CardinalityLabelNamesMax > 0 && names.Length > allowed.CardinalityLabelNamesMax)
        {
            throw new QueryException(
                QueryErrorKind.BadData, $"label values cardinality request label names limit (limit: {allowed.CardinalityLabelNamesMax} actual: {names.Length}) exceeded; "
                + "to adjust the limit, set label_values_max_cardinality_label_names_per_request");
        }
        int limit = Limit(parameters, allowed);
        var matchers = Selector(parameters);
        bool activeOnly = ActiveOnly(parameters);
        long total = matchers.Count == 0 && !activeOnly ? store.SeriesCount(http.Tenant()) : store.HeadSeries(http.Tenant(), matchers, activeOnly, http.RequestAborted).Count;
        var found = store.Cardinality(http.Tenant(), matchers, activeOnly, names, http.RequestAborted);
        await WriteAsync(http, json =>
        {
            json.WriteNumber("series_count_total"u8, total);
            json.WriteStartArray("labels"u8);
            foreach (var label in found.OrderByDescending(l => l.Series).ThenBy(l => l.Name, StringComparer.Ordinal)) WriteValues(json, label, limit);
            json.WriteEndArray();
        });
    }

    private static void WriteValues(Utf8JsonWriter json, LabelCardinality label, int limit)
    {
        json.WriteStartObject();
        json.WriteString("label_name"u8, label.Name);
        json.WriteNumber("label_values_count"u8, label.Values.Count);
        json.WriteNumber("series_count"u8, label.Series);
        json.WriteStartArray("cardinality"u8);
        foreach (var value in label.Values.OrderByDescending(v => v.Value).ThenBy(v => v.Name, StringComparer.Ordinal).Take(limit))
        {
            json.WriteStartObject();
            json.WriteString("label_value"u8, value.Name);
            json.WriteNumber("series_count"u8, value.Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task ActiveSeriesAsync(HttpContext http, QueryParameters parameters, TenantLimits allowed)
    {
        if (parameters["selector"].Length == 0) throw new QueryException(QueryErrorKind.BadData, "missing 'selector' parameter");
        var found = store.HeadSeries(http.Tenant(), Selector(parameters), activeOnly: true, http.RequestAborted);
        // Quotes, colons and commas are about what the lengths of the encoded labels are.
        long bytes = found.Sum(l => (long)l.Encoded.Length + (4L * l.Count));
        if (allowed.ActiveSeriesResultBytesMax > 0 && bytes > allowed.ActiveSeriesResultBytesMax)
        {
            throw new QueryException(
                QueryErrorKind.Execution, $"the response is too large: {bytes} bytes of {found.Count} series, at most {allowed.ActiveSeriesResultBytesMax} are sent; "
                + "narrow the selector, or set active_series_results_max_size_bytes");
        }
        await WriteAsync(http, json =>
        {
            json.WriteStartArray("data"u8);
            foreach (var labels in found.Order())
            {
                json.WriteStartObject();
                foreach (var (name, value) in labels) json.WriteString(name, value);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private static IReadOnlyList<Matcher> Selector(QueryParameters parameters)
    {
        string selector = parameters["selector"];
        if (selector.Length == 0) return [];
        try
        {
            return PromQlLanguage.ParseSelector(selector);
        }
        catch (QueryException wrong)
        {
            throw new QueryException(QueryErrorKind.BadData, $"failed to parse selector: {wrong.Message}", wrong.Position, wrong);
        }
    }

    private static bool ActiveOnly(QueryParameters parameters) => parameters["count_method"] switch
    {
        "" or "inmemory" => false,
        "active" => true,
        var other => throw new QueryException(QueryErrorKind.BadData, $"invalid 'count_method' param '{other}', valid options are: [inmemory, active]"),
    };

    private static int Limit(QueryParameters parameters, TenantLimits allowed)
    {
        string text = parameters["limit"];
        if (text.Length == 0) return DefaultLimit;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int limit)) throw new QueryException(QueryErrorKind.BadData, $"invalid 'limit' param '{text}'");
        if (limit < 0) throw new QueryException(QueryErrorKind.BadData, "'limit' param cannot be less than '0'");
        return allowed.CardinalityResultsMax > 0 && limit > allowed.CardinalityResultsMax
            ? throw new QueryException(QueryErrorKind.BadData, $"'limit' param cannot be greater than '{allowed.CardinalityResultsMax}'")
            : limit;
    }

    private static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }
}
