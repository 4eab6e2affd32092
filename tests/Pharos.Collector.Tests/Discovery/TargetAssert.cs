using Pharos.Core;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Compares targets.</summary>
internal static class TargetAssert
{
    /// <summary>The target has this address and these labels, <c>name value</c> a line, and no other.</summary>
    /// <param name="prefix">Of each name that does not start with two underscores or a dot; a dot stands for no prefix.</param>
    public static void Same(Labels target, string address, string prefix, string expected)
    {
        var builder = new LabelsBuilder().Set("__address__", address);
        foreach (string line in expected.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int space = line.IndexOf(' ');
            string name = line[..space];
            builder.Set(name[0] == '.' ? name[1..] : prefix + name, line[(space + 1)..]);
        }
        Assert.Equal(Lines(builder.ToLabels()), Lines(target));
    }

    public static IEnumerable<string> Addresses(IEnumerable<Labels> targets) => targets.Select(t => t["__address__"]);

    private static string Lines(Labels labels)
    {
        var lines = new System.Text.StringBuilder();
        foreach (var (name, value) in labels) lines.Append(name).Append(' ').Append(value).Append('\n');
        return lines.ToString();
    }
}
