using System.Text;
using Pharos.Templates;
using Pharos.Templates.Formatting;

namespace Pharos.Alerting;

/// <summary>The functions of notification templates, by Alertmanager's names.</summary>
internal static class NotificationFunctions
{
    /// <summary>Longest list or text that a function may build.</summary>
    private const int ItemsMax = 100_000;

    public static TemplateFunctions Create(TimeProvider time) => new TemplateFunctions()
        .Set("toUpper", (string text) => text.ToUpperInvariant())
        .Set("toLower", (string text) => text.ToLowerInvariant())
        .Set("title", (string text) => GoText.Title(text.ToLowerInvariant()))
        .Set("trimSpace", (string text) => text.Trim())
        // Separator first, so that a list can be piped in.
        .Set("join", (string separator, IReadOnlyList<string> list) => string.Join(separator, list))
        .Set("match", (string pattern, string text) => GoText.Match(pattern, text))
        .Set("reReplaceAll", (string pattern, string replacement, string text) => GoText.ReReplaceAll(pattern, replacement, text))
        .Set("safeHtml", (string text) => new SafeText(SafeKind.Html, text))
        .Set("safeUrl", (string text) => new SafeText(SafeKind.Url, text))
        .Set("urlUnescape", (string text) => GoText.UrlQueryUnescape(text))
        .SetVariadic<string>("stringSlice", 0, items => new Strings([.. items.Select(i => (string)i!)]))
        .SetVariadic<object>("list", 0, items => items.ToList())
        .SetVariadic<object>("append", 1, Append)
        .SetVariadic<object>("dict", 0, Dict)
        .Set("date", (string layout, GoTime at) => at.Format(layout))
        .Set("tz", (string zone, GoTime at) => at.In(GoZone.Find(zone)))
        .Set("now", () => GoTime.From(time.GetUtcNow()))
        .Set("since", (GoTime at) => GoTime.From(time.GetUtcNow()).Sub(at))
        .Set("humanizeDuration", (object seconds) => Humanize.Duration(seconds))
        .Set("toDate", (string layout, string text) => ToDate(layout, text))
        .Set("mustToDate", (string layout, string text) => GoTimeLayout.Parse(layout, text))
        .Set("toJson", (object value) => GoJson.Write(value))
        .Set("base64encode", (string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).Replace('+', '-').Replace('/', '_'))
        .Set("base64decode", (string text) => Decode(text))
        .Set("routeLabels", TemplateFunction.WithContext([typeof(string)], null, RouteLabel));

    private static object? RouteLabel(ITemplateContext context, object?[] arguments) =>
        context.Root is NotificationData { RenderRouteLabel: { } render } ? render((string)arguments[0]!) : "";

    private static List<object?> Append(object?[] arguments)
    {
        if (arguments[0] is not System.Collections.IEnumerable list || arguments[0] is string)
            throw new TemplateFunctionException("append: the first argument must be a list");
        var items = list.Cast<object?>().Concat(arguments.Skip(1)).Take(ItemsMax + 1).ToList();
        return items.Count <= ItemsMax ? items : throw new TemplateFunctionException($"append: a list may hold at most {ItemsMax} items");
    }

    private static Dictionary<string, object?> Dict(object?[] arguments)
    {
        if (arguments.Length % 2 != 0) throw new TemplateFunctionException("dict: invalid number of arguments; expected an even number");
        var map = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (int i = 0; i < arguments.Length; i += 2)
            map[arguments[i] as string ?? throw new TemplateFunctionException("dict: keys must be strings")] = arguments[i + 1];
        return map;
    }

    private static GoTime ToDate(string layout, string text)
    {
        try
        {
            return GoTimeLayout.Parse(layout, text);
        }
        catch (TemplateFunctionException)
        {
            return default;
        }
    }

    private static string Decode(string text)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/')));
        }
        catch (FormatException)
        {
            throw new TemplateFunctionException("base64decode: illegal base64 data");
        }
    }
}
