using System.Collections.Concurrent;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Alerting;

/// <summary>
/// The templates of one configuration: the built-in ones, then the user's, whose definitions replace built-in ones of the same name.
/// Safe for several threads.
/// </summary>
internal sealed class NotificationTemplates
{
    private const int CompiledMax = 2000;

    private static readonly TemplateOptions TextOptions = new() { MissingKey = MissingKey.Zero };
    private static readonly TemplateOptions HtmlOptions = new() { MissingKey = MissingKey.Zero, Html = true };

    private readonly ConcurrentDictionary<(string Text, bool Html), GoTemplate> compiled = new();
    private readonly GoTemplate set;
    private readonly string externalUrl;

    /// <param name="texts">Name and text of each template file, in order.</param>
    /// <exception cref="TemplateException">A text is no template.</exception>
    public NotificationTemplates(IEnumerable<(string Name, string Text)> texts, string externalUrl, TimeProvider time)
    {
        this.externalUrl = externalUrl;
        set = GoTemplate.Create("", NotificationFunctions.Create(time), TextOptions);
        set.AddParse("default.tmpl", DefaultTemplates.Text);
        set.AddParse("email.tmpl", DefaultTemplates.Email);
        foreach (var (name, text) in texts) set.AddParse(name, text);
    }

    /// <summary>Reads the template files of a configuration: globs relative to its folder, or uploaded texts.</summary>
    /// <exception cref="ConfigurationException">With every file that cannot be read or is no template.</exception>
    public static NotificationTemplates Load(AlertmanagerConfig config, string externalUrl, TimeProvider time)
    {
        var findings = new List<Diagnostic>();
        var texts = new List<(string Name, string Text)>();
        string folder = Path.GetDirectoryName(Path.GetFullPath(config.FileName.Length > 0 ? config.FileName : "alertmanager.yml")) ?? ".";
        foreach (string pattern in config.TemplateFiles)
        {
            if (config.Templates.TryGetValue(pattern, out string? uploaded))
            {
                texts.Add((pattern, uploaded));
                continue;
            }
            foreach (string file in TemplateFiles.Find(folder, pattern))
            {
                try
                {
                    texts.Add((Path.GetFileName(file), File.ReadAllText(file)));
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    findings.Add(Diagnostic.Error(new SourcePosition(file, 0, 0), e.Message));
                }
            }
        }
        var empty = GoTemplate.Create("", NotificationFunctions.Create(time), TextOptions);
        foreach (var (name, text) in texts)
        {
            try
            {
                empty.AddParse(name, text);
            }
            catch (TemplateException e)
            {
                findings.Add(Diagnostic.Error(new SourcePosition(name, e.Line, e.Column), e.Reason));
            }
        }
        if (findings.Count > 0) throw new ConfigurationException(findings);
        return new NotificationTemplates(texts, externalUrl, time);
    }

    public Rendering For(Notification notification) => new(this, NotificationData.Of(notification, externalUrl));

    public Rendering For(NotificationData data) => new(this, data);

    /// <exception cref="TemplateException">It does not parse or fails while it runs.</exception>
    public string Execute(string text, NotificationData data, bool html)
    {
        if (!text.Contains("{{", StringComparison.Ordinal)) return text;
        if (!compiled.TryGetValue((text, html), out var template))
        {
            template = set.Clone(options: html ? HtmlOptions : TextOptions).AddParse("", text);
            if (compiled.Count >= CompiledMax) compiled.Clear();
            compiled[(text, html)] = template;
        }
        return template.Execute(data);
    }
}

/// <summary>Renders the templates of one notification.</summary>
internal sealed class Rendering
{
    private readonly NotificationTemplates templates;
    private readonly Stack<string> running = new();

    public Rendering(NotificationTemplates templates, NotificationData data)
    {
        this.templates = templates;
        Data = data;
        data.RenderRouteLabel = RouteLabel;
    }

    public NotificationData Data { get; }

    /// <exception cref="TemplateException">It does not parse or fails while it runs.</exception>
    public string Text(string template) => templates.Execute(template, Data, html: false);

    /// <summary>With values escaped by their place in HTML.</summary>
    /// <inheritdoc cref="Text"/>
    public string Html(string template) => templates.Execute(template, Data, html: true);

    /// <summary>A label of the route, rendered; empty where the route has none of that name.</summary>
    public string RouteLabel(string name)
    {
        if (!Data.RouteLabels.TryGetValue(name, out string? template)) return "";
        if (running.Contains(name)) throw new TemplateFunctionException($"route label {GoString.Quote(name)} uses itself");
        running.Push(name);
        try
        {
            return Text(template);
        }
        finally
        {
            running.Pop();
        }
    }
}
