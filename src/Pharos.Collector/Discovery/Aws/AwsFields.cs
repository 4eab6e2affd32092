using System.Text;
using System.Xml.Linq;

namespace Pharos.Collector.Discovery;

/// <summary>Makes labels of the members of AWS's answers: <c>DBClusterStatus</c> becomes <c>db_cluster_status</c>.</summary>
internal static class AwsFields
{
    /// <summary>A label for each member that is a text, a number, a time or a truth value.</summary>
    /// <param name="names">Those whose label is named otherwise.</param>
    public static MetaLabels SetFields(this MetaLabels labels, string prefix, XElement? of, IReadOnlyDictionary<string, string>? names = null)
    {
        foreach (var member in of?.Elements().Where(e => !e.HasElements) ?? [])
            labels.Set(prefix + (names?.GetValueOrDefault(member.Name.LocalName) ?? Snake(member.Name.LocalName)), WithoutFraction(member.Value.Trim()));
        return labels;
    }

    public static MetaLabels SetTags(this MetaLabels labels, string prefix, IEnumerable<XElement>? tags) =>
        labels.SetEach(prefix, (tags ?? []).Select(t => (t.Element("Key")?.Value ?? "", t.Element("Value")?.Value ?? "")));

    /// <summary>Words by underscores; an abbreviation is one word.</summary>
    public static string Snake(string name)
    {
        var snake = new StringBuilder(name.Length + 8);
        for (int i = 0; i < name.Length; i++)
        {
            bool begins = i > 0 && char.IsAsciiLetterUpper(name[i])
                && (!char.IsAsciiLetterUpper(name[i - 1]) || (i + 1 < name.Length && char.IsAsciiLetterLower(name[i + 1])));
            if (begins) snake.Append('_');
            snake.Append(char.ToLowerInvariant(name[i]));
        }
        return snake.ToString();
    }

    /// <summary>Times go without their fraction of a second.</summary>
    private static string WithoutFraction(string value)
    {
        int dot = value.IndexOf('.', StringComparison.Ordinal);
        return dot == 19 && value[^1] == 'Z' && value[10] == 'T' ? value[..dot] + "Z" : value;
    }
}
