using System.Text;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.Templates;

namespace Pharos.LogQL.Templates;

/// <summary>A template of <c>line_format</c> or <c>label_format</c>. Belongs to one query and one thread.</summary>
internal sealed class LogTemplate
{
    public const string Error = "TemplateFormatErr";

    /// <summary>How long one line may take.</summary>
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(1);

    private readonly GoTemplate template;
    private readonly List<(string Name, string Value)> pairs = [];
    private readonly Dictionary<string, string> data = new(StringComparer.Ordinal);
    private readonly TimeProvider time;
    private string line = "";
    private long began;
    private long timestampNs;

    /// <exception cref="QueryException">The text is no template.</exception>
    public LogTemplate(string text, TimeProvider time)
    {
        this.time = time;
        var functions = new TemplateFunctions()
            .SetAll(LogTemplateFunctions.Pure)
            .SetAll(LogTemplateFunctions.Patterns(Watch))
            .Set("now", () => GoTime.From(time.GetUtcNow()))
            .Set("__line__", () => line)
            .Set("__timestamp__", () => GoTime.FromUnixNs(timestampNs));
        try
        {
            template = GoTemplate.Parse("line", text, functions, new TemplateOptions { MissingKey = MissingKey.Zero, Watch = Watch });
        }
        catch (TemplateException e)
        {
            throw new QueryException(QueryErrorKind.BadData, $"invalid template: {e.Message}{Hint(e.Message, functions)}", default, e);
        }
    }

    private static string Hint(string message, TemplateFunctions functions)
    {
        const string before = "function \"", after = "\" not defined";
        int from = message.IndexOf(before, StringComparison.Ordinal) + before.Length, to = message.IndexOf(after, StringComparison.Ordinal);
        if (from < before.Length || to < from) return "";
        return NearestName.Of(message[from..to], functions.Names) is { } near ? $"; did you mean \"{near}\"?" : "";
    }

    /// <summary>Runs over the line and its labels. Where that fails, the line gets an error and false comes back.</summary>
    public bool TryRun(ref LogLine of, out string text)
    {
        of.Labels.CopyTo(pairs);
        data.Clear();
        foreach (var (name, value) in pairs) data[name] = value;
        line = Encoding.UTF8.GetString(of.Bytes);
        timestampNs = of.TimestampNs;
        began = time.GetTimestamp();
        try
        {
            text = template.Execute(data);
            return true;
        }
        catch (TemplateException e)
        {
            of.Labels.Fail(Error, e.Message);
            text = "";
            return false;
        }
    }

    private void Watch()
    {
        if (time.GetElapsedTime(began) > TimeMax) throw new TemplateFunctionException($"the template takes longer than {TimeMax.TotalSeconds} s");
    }
}
