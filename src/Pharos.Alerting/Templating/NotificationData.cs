using System.Collections;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Alerting;

/// <summary>The data of notification templates: the dot of Alertmanager's templates.</summary>
internal sealed class NotificationData : ITemplateObject, ITemplateStruct
{
    /// <summary>The receiver's name, escaped for a regular expression: it stands in links that filter by one.</summary>
    public required string Receiver { get; init; }
    public required string Status { get; init; }
    public required AlertList Alerts { get; init; }
    public KeyValues GroupLabels { get; init; } = KeyValues.Nil;
    public KeyValues CommonLabels { get; init; } = KeyValues.Nil;
    public KeyValues CommonAnnotations { get; init; } = KeyValues.Nil;
    public KeyValues RouteLabels { get; init; } = KeyValues.Nil;
    public string ExternalURL { get; init; } = "";
    public string NotificationReason { get; init; } = "";
    public Labels CommonLabelSet { get; init; } = Labels.Empty;
    public Labels CommonAnnotationSet { get; init; } = Labels.Empty;

    /// <summary>Renders one of the route's labels; set by the rendering.</summary>
    public Func<string, string>? RenderRouteLabel { get; set; }

    public string TypeName => "template.Data";

    public IEnumerable<(string Name, object? Value)> Fields =>
    [
        ("Receiver", Receiver), ("Status", Status), ("Alerts", Alerts), ("GroupLabels", GroupLabels), ("CommonLabels", CommonLabels),
        ("CommonAnnotations", CommonAnnotations), ("ExternalURL", ExternalURL), ("RouteLabels", RouteLabels), ("NotificationReason", NotificationReason),
    ];

    public bool TryGetMember(string name, out object? member)
    {
        foreach (var (field, value) in Fields)
        {
            if (field != name) continue;
            member = value;
            return true;
        }
        member = null;
        return false;
    }

    public static NotificationData Of(Notification n, string externalUrl)
    {
        Labels labels = n.Alerts.Count > 0 ? n.Alerts[0].Labels : Labels.Empty, annotations = n.Alerts.Count > 0 ? n.Alerts[0].Annotations : Labels.Empty;
        foreach (var alert in n.Alerts.Skip(1))
        {
            labels = Common(labels, alert.Labels);
            annotations = Common(annotations, alert.Annotations);
        }
        return new NotificationData
        {
            Receiver = LinearRegex.Escape(n.Receiver),
            Status = n.Status,
            Alerts = new AlertList([.. n.Alerts.Select(AlertData.Of)]),
            GroupLabels = new KeyValues(n.GroupLabels),
            CommonLabels = new KeyValues(labels),
            CommonAnnotations = new KeyValues(annotations),
            RouteLabels = new KeyValues(n.RouteLabels),
            ExternalURL = externalUrl,
            NotificationReason = n.Reason,
            CommonLabelSet = labels,
            CommonAnnotationSet = annotations,
        };
    }

    private static Labels Common(Labels a, Labels b)
    {
        var common = new LabelsBuilder();
        foreach (var (name, value) in a)
        {
            if (b[name] == value) common.Set(name, value);
        }
        return common.ToLabels();
    }
}

/// <summary>The alerts of a notification.</summary>
internal sealed class AlertList(IReadOnlyList<AlertData> alerts) : ITemplateObject, IReadOnlyList<object?>
{
    public string TypeName => "template.Alerts";
    public int Count => alerts.Count;
    public object? this[int index] => alerts[index];
    public IReadOnlyList<AlertData> Items => alerts;

    public IEnumerator<object?> GetEnumerator() => alerts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch
        {
            "Firing" => TemplateFunction.Of(() => (object)Only("firing")),
            "Resolved" => TemplateFunction.Of(() => (object)Only("resolved")),
            _ => null,
        };
        return member is not null;
    }

    private AlertList Only(string status) => new([.. alerts.Where(a => a.Status == status)]);
}

/// <summary>One alert.</summary>
internal sealed class AlertData : ITemplateObject, ITemplateStruct
{
    public string Status { get; init; } = "";
    public KeyValues Labels { get; init; } = KeyValues.Nil;
    public KeyValues Annotations { get; init; } = KeyValues.Nil;
    public GoTime StartsAt { get; init; }

    /// <summary>Zero while it fires.</summary>
    public GoTime EndsAt { get; init; }
    public string GeneratorURL { get; init; } = "";
    public string Fingerprint { get; init; } = "";

    public string TypeName => "template.Alert";

    public IEnumerable<(string Name, object? Value)> Fields =>
    [
        ("Status", Status), ("Labels", Labels), ("Annotations", Annotations), ("StartsAt", StartsAt), ("EndsAt", EndsAt),
        ("GeneratorURL", GeneratorURL), ("Fingerprint", Fingerprint),
    ];

    public bool TryGetMember(string name, out object? member)
    {
        foreach (var (field, value) in Fields)
        {
            if (field != name) continue;
            member = value;
            return true;
        }
        member = null;
        return false;
    }

    public static AlertData Of(NotifiedAlert a) => new()
    {
        Status = a.Status,
        Labels = new KeyValues(a.Labels),
        Annotations = new KeyValues(a.Annotations),
        StartsAt = GoTime.From(a.StartsAt),
        EndsAt = a.EndsAt is { } end ? GoTime.From(end) : default,
        GeneratorURL = a.GeneratorUrl,
        Fingerprint = a.Fingerprint,
    };
}
