using System.Globalization;
using System.Text.Json;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Hosting;

/// <summary>A component as the API shows it. Secrets are hidden.</summary>
public sealed class ComponentView
{
    private readonly Node node;

    private ComponentView(Node node) => this.node = node;

    public string Id => node.Path;

    public string Name => node.Block.Name;

    public ComponentHealth Health => node.Health;

    internal static bool IsShown(Node node) => node is ComponentNode or ModuleNode;

    internal static ComponentView Of(Node node) => new(node);

    /// <summary>Writes the object of <c>/api/v0/web/components</c>.</summary>
    /// <param name="withDetails">Arguments, exports and debug information too, as for a single component.</param>
    public void WriteJson(Utf8JsonWriter writer, bool withDetails)
    {
        writer.WriteStartObject();
        writer.WriteString("name", node.Block.Name);
        writer.WriteString("type", "block");
        writer.WriteString("localID", node.Id);
        writer.WriteString("moduleID", node.Module.Path);
        writer.WriteString("label", node.Block.Label);
        Ids("referencesTo", node.Dependencies.Where(IsShown));
        Ids("referencedBy", node.Dependants.Where(IsShown));
        Ids("dataFlowEdgesTo", node.Dependencies.Where(d => IsShown(d) && SendsTo(d)));
        writer.WriteStartObject("health");
        writer.WriteString("state", node.Health.State.ToString().ToLowerInvariant());
        writer.WriteString("message", node.Health.Message);
        writer.WriteString("updatedTime", node.Health.UpdatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture));
        writer.WriteEndObject();
        writer.WriteString("original", node.Block.HeaderSpan.ToString());
        if (withDetails)
        {
            writer.WritePropertyName("arguments");
            Body((node as ComponentNode)?.Arguments?.ToValue() ?? (node as CustomNode)?.Arguments?.ToValue() ?? ObjectValue.Empty);
            writer.WritePropertyName("exports");
            Body(node.Value ?? ObjectValue.Empty);
            writer.WritePropertyName("debugInfo");
            Debug((node as ComponentNode)?.Slot?.Instance.DebugInfo);
        }
        Texts("createdModuleIDs", node.Children.Select(c => c.Path));
        // What sends on can be watched while it does.
        writer.WriteBoolean("liveDebuggingEnabled", (node as ComponentNode)?.Arguments?.Schema.Attribute("forward_to") is not null);
        writer.WriteEndObject();

        void Ids(string name, IEnumerable<Node> nodes) => Texts(name, nodes.Select(n => n.Id).Order(StringComparer.Ordinal));

        void Texts(string name, IEnumerable<string> texts)
        {
            writer.WriteStartArray(name);
            foreach (string text in texts) writer.WriteStringValue(text);
            writer.WriteEndArray();
        }

        // The upstream page shows a body as a list of statements, each a name with a typed value.
        void Body(ObjectValue body)
        {
            writer.WriteStartArray();
            foreach (var (name, value) in body.Fields)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteString("type", "attr");
                writer.WritePropertyName("value");
                Typed(value);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }

        void Typed(Value value)
        {
            writer.WriteStartObject();
            switch (value)
            {
                case NullValue:
                    writer.WriteString("type", "null");
                    break;
                case BoolValue flag:
                    writer.WriteString("type", "bool");
                    writer.WriteBoolean("value", flag.Flag);
                    break;
                case NumberValue:
                    writer.WriteString("type", "number");
                    writer.WriteString("value", value.ToString());
                    break;
                case StringValue text:
                    writer.WriteString("type", "string");
                    writer.WriteString("value", text.Text);
                    break;
                case ArrayValue array:
                    writer.WriteString("type", "array");
                    writer.WriteStartArray("value");
                    foreach (var item in array.Items) Typed(item);
                    writer.WriteEndArray();
                    break;
                case ObjectValue map:
                    writer.WriteString("type", "object");
                    writer.WriteStartArray("value");
                    foreach (var (key, item) in map.Fields)
                    {
                        writer.WriteStartObject();
                        writer.WriteString("key", key);
                        writer.WritePropertyName("value");
                        Typed(item);
                        writer.WriteEndObject();
                    }
                    writer.WriteEndArray();
                    break;
                default:
                    writer.WriteString("type", "capsule");
                    writer.WriteString("value", value.ToString());
                    break;
            }
            writer.WriteEndObject();
        }

        void Debug(object? info)
        {
            switch (info)
            {
                case null: writer.WriteNullValue(); break;
                case string text: writer.WriteStringValue(text); break;
                case bool flag: writer.WriteBooleanValue(flag); break;
                case double real when double.IsFinite(real): writer.WriteNumberValue(real); break;
                case long or int: writer.WriteNumberValue(Convert.ToInt64(info, CultureInfo.InvariantCulture)); break;
                case DateTimeOffset at: writer.WriteStringValue(at); break;
                case IEnumerable<KeyValuePair<string, object?>> map:
                    writer.WriteStartObject();
                    foreach (var (key, item) in map)
                    {
                        writer.WritePropertyName(key);
                        Debug(item);
                    }
                    writer.WriteEndObject();
                    break;
                case System.Collections.IEnumerable list:
                    writer.WriteStartArray();
                    foreach (object? item in list) Debug(item);
                    writer.WriteEndArray();
                    break;
                default: writer.WriteStringValue(Convert.ToString(info, CultureInfo.InvariantCulture)); break;
            }
        }
    }

    /// <summary>Data flows to a component whose receiver this one holds.</summary>
    private static bool SendsTo(Node used) => used.Value is { } value && value.Fields.Any(f => f.Value is CapsuleValue { Kind: Capsules.Metrics or Capsules.Logs });
}
