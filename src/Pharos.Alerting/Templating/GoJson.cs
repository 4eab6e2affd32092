using System.Collections;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Alerting;

/// <summary>Writes template values as JSON the way Go's encoder does: maps sorted by key, <c>&lt; &gt; &amp;</c> escaped.</summary>
internal static class GoJson
{
    private const int DepthMax = 100;

    public static string Write(object? value)
    {
        var text = new StringBuilder();
        Write(text, value, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, object? value, int depth)
    {
        if (depth > DepthMax) throw new TemplateFunctionException("json: nested too deeply");
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case bool b:
                text.Append(b ? "true" : "false");
                break;
            case string s:
                Text(text, s);
                break;
            case SafeText s:
                Text(text, s.Text);
                break;
            case long or int or ulong:
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case double d:
                Number(text, d);
                break;
            case GoTime t:
                Text(text, t.Format("2006-01-02T15:04:05.999999999Z07:00"));
                break;
            case GoDuration d:
                text.Append(d.Nanoseconds);
                break;
            case KeyValues kv when ReferenceEquals(kv, KeyValues.Nil):
                text.Append("null");
                break;
            case Labels labels:
                Map(text, labels.ToDictionary().Select(p => (p.Key, (object?)p.Value)), depth);
                break;
            case IReadOnlyDictionary<string, string> map:
                Map(text, map.Select(p => (p.Key, (object?)p.Value)), depth);
                break;
            case IReadOnlyDictionary<string, object?> map:
                Map(text, map.Select(p => (p.Key, p.Value)), depth);
                break;
            case IDictionary map:
                Map(text, map.Keys.Cast<object>().Select(k => (k.ToString()!, map[k])), depth);
                break;
            case AlertData alert:
                Struct(text, alert.Fields.Select(f => (f.Name == "GeneratorURL" ? "generatorURL" : Camel(f.Name), f.Value)), depth);
                break;
            case NotificationData data:
                Struct(text, data.Fields.Select(f => (f.Name switch { "ExternalURL" => "externalURL", "NotificationReason" => "notification_reason", _ => Camel(f.Name) }, f.Value)), depth);
                break;
            case Pair pair:
                Struct(text, pair.Fields, depth);
                break;
            case IEnumerable list:
                List(text, list, depth);
                break;
            default:
                throw new TemplateFunctionException($"json: unsupported type: {value.GetType().Name}");
        }
    }

    private static void List(StringBuilder text, IEnumerable list, int depth)
    {
        text.Append('[');
        bool first = true;
        foreach (object? item in list)
        {
            if (!first) text.Append(',');
            first = false;
            Write(text, item, depth + 1);
        }
        text.Append(']');
    }

    private static void Map(StringBuilder text, IEnumerable<(string Name, object? Value)> members, int depth) =>
        Struct(text, members.OrderBy(m => m.Name, StringComparer.Ordinal), depth);

    private static void Struct(StringBuilder text, IEnumerable<(string Name, object? Value)> members, int depth)
    {
        text.Append('{');
        bool first = true;
        foreach (var (name, value) in members)
        {
            if (!first) text.Append(',');
            first = false;
            Text(text, name);
            text.Append(':');
            Write(text, value, depth + 1);
        }
        text.Append('}');
    }

    private static void Number(StringBuilder text, double d)
    {
        if (!double.IsFinite(d)) throw new TemplateFunctionException($"json: unsupported value: {d}");
        text.Append(d == Math.Floor(d) && Math.Abs(d) < 1e21 ? d.ToString("F0", CultureInfo.InvariantCulture) : d.ToString("R", CultureInfo.InvariantCulture));
    }

    private static void Text(StringBuilder text, string s)
    {
        text.Append('"');
        foreach (char c in s)
        {
            switch (c)
            {
                case '"': text.Append("\\\""); break;
                case '\\': text.Append("\\\\"); break;
                case '\n': text.Append("\\n"); break;
                case '\r': text.Append("\\r"); break;
                case '\t': text.Append("\\t"); break;
                case '\b': text.Append("\\b"); break;
                case '\f': text.Append("\\f"); break;
                case < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029': text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"); break;
                default: text.Append(c); break;
            }
        }
        text.Append('"');
    }

    private static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
}
