using Pharos.Server.LocalPrometheus;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>Sections of YAML laid over others, which may stand in another file.</summary>
internal static class YamlOverlay
{
    /// <summary>Ways of authentication: one that is written goes before those of the basis.</summary>
    private static readonly string[] Logins = ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "sigv4", "azuread", "google_iam"];

    /// <summary>
    /// What <paramref name="own"/> has goes before what the basis has: a mapping key by key, and anything else, headers too, as a whole.
    /// What comes from the basis gets the place of <paramref name="own"/>, so that findings about both together name it.
    /// </summary>
    public static YamlNode Over(YamlNode basis, YamlNode own, YamlReading reading, string name = "the client")
    {
        if (basis.Kind != YamlKind.Mapping || own.Kind != YamlKind.Mapping) return own;
        var mine = new YamlSection(own, name, reading);
        bool login = Logins.Any(mine.Keys.Contains);
        var pairs = new List<(YamlNode, YamlNode)>();
        foreach (var (key, value) in basis.Pairs)
        {
            bool written = mine.Keys.Contains(key.Value);
            if (written && key.Value != "headers") pairs.Add((mine.KeyOf(key.Value), Over(value, mine.Pairs.First(p => p.Key.Value == key.Value).Value, reading, key.Value)));
            else if (!written && !(login && Logins.Contains(key.Value)) && !mine.Keys.Contains(OtherForm(key.Value))) pairs.Add((At(key, own), At(value, own)));
        }
        var there = pairs.Select(p => p.Item1.Value).ToHashSet(StringComparer.Ordinal);
        pairs.AddRange(mine.Pairs.Where(p => !there.Contains(p.Key.Value)));
        return new YamlNode { Kind = YamlKind.Mapping, Line = own.Line, Column = own.Column, Pairs = pairs };
    }

    /// <summary>A mapping of one key, which may be a path: <c>queue_config</c>, <c>capacity</c>.</summary>
    public static YamlNode Wrap(YamlNode value, ReadOnlySpan<string> path)
    {
        for (int i = path.Length - 1; i >= 0; i--)
        {
            var key = new YamlNode { Kind = YamlKind.Scalar, Line = value.Line, Column = value.Column, Value = path[i] };
            value = new YamlNode { Kind = YamlKind.Mapping, Line = value.Line, Column = value.Column, Pairs = [(key, value)] };
        }
        return value;
    }

    /// <summary>The value at a path of keys; null where it is not there.</summary>
    public static YamlNode? Find(YamlNode? node, ReadOnlySpan<string> path)
    {
        foreach (string key in path) node = node?.Pairs.FirstOrDefault(p => p.Key.Value == key).Value;
        return node;
    }

    /// <summary>A copy in which the paths of files are absolute and keys that are merged in by <c>&lt;&lt;</c> stand in their place.</summary>
    public static YamlNode Absolute(YamlNode node, string folder, YamlReading reading, string name = "the client") => node.Kind != YamlKind.Mapping ? node : new YamlNode
    {
        Kind = YamlKind.Mapping,
        Line = node.Line,
        Column = node.Column,
        Pairs = [.. new YamlSection(node, name, reading).Pairs.Select(p => (p.Key, Resolve(p.Key.Value, p.Value, folder, reading)))],
    };

    /// <summary>A value may stand in a file instead: <c>password</c> and <c>password_file</c> exclude each other.</summary>
    private static string OtherForm(string key) => key.EndsWith("_file", StringComparison.Ordinal) ? key[..^5] : key + "_file";

    private static YamlNode Resolve(string key, YamlNode value, string folder, YamlReading reading) => value.Kind switch
    {
        YamlKind.Mapping => Absolute(value, folder, reading, key),
        YamlKind.Sequence when key == "files" => new YamlNode { Kind = YamlKind.Sequence, Line = value.Line, Column = value.Column, Items = [.. value.Items.Select(i => Path(i, folder))] },
        YamlKind.Scalar when key.EndsWith("_file", StringComparison.Ordinal) || key == "token_file_path" => Path(value, folder),
        _ => value,
    };

    private static YamlNode Path(YamlNode node, string folder) => node.Kind != YamlKind.Scalar || node.IsNull ? node : new YamlNode
    {
        Kind = YamlKind.Scalar,
        Line = node.Line,
        Column = node.Column,
        Style = YamlStyle.Quoted,
        Value = HttpClientReader.Resolve(node.Value, folder),
    };

    private static YamlNode At(YamlNode node, YamlNode place) => new()
    {
        Kind = node.Kind,
        Line = place.Line,
        Column = place.Column,
        Value = node.Value,
        Style = node.Style,
        Items = [.. node.Items.Select(i => At(i, place))],
        Pairs = [.. node.Pairs.Select(p => (At(p.Key, place), At(p.Value, place)))],
    };
}
