using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Rules;

/// <summary>What a label or annotation template of an alerting rule sees as <c>.Labels</c>, <c>.Value</c> and so on.</summary>
public sealed record RuleTemplateData(Labels Labels, Labels ExternalLabels, string ExternalUrl, object? Value) : ITemplateObject
{
    public string TypeName => "struct { Labels, ExternalLabels map[string]string; ExternalURL string; Value interface {} }";

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch
        {
            "Labels" => Labels,
            "ExternalLabels" => ExternalLabels,
            "ExternalURL" => ExternalUrl,
            "Value" => Value,
            _ => null,
        };
        return member is not null;
    }
}

/// <summary>One element of a query's result in a template.</summary>
internal sealed record QuerySample(Labels Labels, double Value) : ITemplateObject, ITemplateStruct
{
    public string TypeName => "*template.sample";

    public IEnumerable<(string Name, object? Value)> Fields => [("Labels", Labels), ("Value", Value)];

    public bool TryGetMember(string name, out object? member)
    {
        member = name switch { "Labels" => Labels, "Value" => Value, _ => null };
        return member is not null;
    }
}

/// <summary>A query's result: a list of samples without fields of its own.</summary>
internal sealed class QueryResult(IEnumerable<QuerySample> samples) : List<QuerySample>(samples), ITemplateObject
{
    public string TypeName => "template.queryResult";

    public bool TryGetMember(string name, out object? member)
    {
        member = null;
        return false;
    }
}
