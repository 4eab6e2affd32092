namespace Pharos.Fleet;

/// <summary>Rules of attributes.</summary>
public static class Attributes
{
    /// <summary>Names that start so belong to the fleet and cannot be set by operators.</summary>
    public const string Reserved = "collector.";

    /// <summary>What matchers see: local attributes overlaid by remote ones, reserved ones as the collector sent them, and its id.</summary>
    public static SortedDictionary<string, string> Effective(
        string id, IReadOnlyDictionary<string, string> local, IReadOnlyDictionary<string, string> remote)
    {
        var effective = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in local) effective[name] = value;
        foreach (var (name, value) in remote)
        {
            if (!name.StartsWith(Reserved, StringComparison.Ordinal)) effective[name] = value;
        }
        if (id.Length > 0) effective["collector.ID"] = id;
        return effective;
    }

    internal static void Check(IReadOnlyDictionary<string, string> attributes, bool remote, FleetOptions options)
    {
        string kind = remote ? "remote" : "local";
        int max = remote ? options.RemoteAttributesMax : options.LocalAttributesMax;
        if (attributes.Count > max) throw Invalid($"{attributes.Count} {kind} attributes are more than the {max} allowed");
        foreach (var (name, value) in attributes)
        {
            if (name.Length == 0) throw Invalid($"a {kind} attribute has no name");
            if (name.Length > options.AttributeNameMax) throw Invalid($"the name of {kind} attribute \"{name[..20]}…\" is longer than {options.AttributeNameMax} characters");
            if (value.Length > options.AttributeValueMax) throw Invalid($"the value of {kind} attribute \"{name}\" is longer than {options.AttributeValueMax} characters");
            if (remote && name.StartsWith(Reserved, StringComparison.Ordinal)) throw Invalid($"attribute \"{name}\" starts with {Reserved}, which is reserved");
        }
    }

    /// <summary>Carries out operations in order.</summary>
    internal static Dictionary<string, string> Apply(IReadOnlyDictionary<string, string> attributes, IReadOnlyList<AttributeOperation> operations)
    {
        var result = new Dictionary<string, string>(attributes, StringComparer.Ordinal);
        foreach (var operation in operations)
        {
            string name = NameOf(operation.Path);
            switch (operation.Kind)
            {
                case AttributeOperationKind.Add:
                    result[name] = operation.Value ?? throw Invalid($"add {operation.Path} needs a value");
                    break;
                case AttributeOperationKind.Remove:
                    if (operation.Value is null || result.GetValueOrDefault(name) == operation.Value) result.Remove(name);
                    break;
                case AttributeOperationKind.Replace:
                    string value = operation.Value ?? throw Invalid($"replace {operation.Path} needs a value");
                    if (result.TryGetValue(name, out string? old) && (operation.OldValue is null || operation.OldValue == old)) result[name] = value;
                    break;
                case AttributeOperationKind.Move or AttributeOperationKind.Copy:
                    string from = NameOf(operation.From ?? throw Invalid($"{operation.Kind} {operation.Path} needs from"));
                    if (!result.TryGetValue(from, out string? moved)) break;
                    if (operation.Kind == AttributeOperationKind.Move) result.Remove(from);
                    result[name] = moved;
                    break;
                default:
                    throw Invalid($"operation on {operation.Path} is none of add, remove, replace, move, copy");
            }
        }
        return result;
    }

    private static string NameOf(string path)
    {
        foreach (string prefix in (string[])["remoteAttributes.", "remote_attributes.", "attributeOverrides.", "/remoteAttributes/", "/remote_attributes/"])
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal) && path.Length > prefix.Length) return path[prefix.Length..];
        }
        throw Invalid($"path \"{path}\" is not remoteAttributes.NAME");
    }

    private static FleetException Invalid(string message) => new(FleetErrorCode.InvalidArgument, message);
}
