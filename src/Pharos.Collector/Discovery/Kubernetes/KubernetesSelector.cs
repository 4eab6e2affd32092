using System.Text.RegularExpressions;

namespace Pharos.Collector.Discovery;

/// <summary>Chooses objects at the API server.</summary>
/// <param name="Label">Kubernetes's label selector; empty: all.</param>
/// <param name="Field">Kubernetes's field selector; empty: all.</param>
internal sealed partial record KubernetesSelector(string Label, string Field)
{
    /// <summary>As query parameters, each with an ampersand before it.</summary>
    public string Query => (Label.Length > 0 ? "&labelSelector=" + Uri.EscapeDataString(Label) : "") + (Field.Length > 0 ? "&fieldSelector=" + Uri.EscapeDataString(Field) : "");

    /// <summary>What is wrong with a field selector, <c>a.b=c,d!=e</c>; null where nothing is.</summary>
    public static string? FieldFault(string selector)
    {
        foreach (string term in selector.Length == 0 ? [] : selector.Split(','))
        {
            if (!term.Contains('=', StringComparison.Ordinal)) return $"invalid selector: '{selector}'; can't understand '{term}'";
        }
        return null;
    }

    /// <summary>What is wrong with a label selector; null where nothing is.</summary>
    public static string? LabelFault(string selector)
    {
        if (selector.Trim().Length == 0) return null;
        foreach (string term in CommasOutside().Split(selector))
        {
            if (!LabelTerm().IsMatch(term.Trim())) return $"invalid selector: '{selector}'; can't understand '{term.Trim()}'";
        }
        return null;
    }

    [GeneratedRegex(@",(?![^(]*\))")]
    private static partial Regex CommasOutside();

    [GeneratedRegex(@"^(!?\s*[A-Za-z0-9][A-Za-z0-9._/-]*|[A-Za-z0-9][A-Za-z0-9._/-]*\s*(=|==|!=)\s*[A-Za-z0-9._-]*|[A-Za-z0-9][A-Za-z0-9._/-]*\s+(in|notin)\s*\([A-Za-z0-9._,\s-]*\)|[A-Za-z0-9][A-Za-z0-9._/-]*\s*[<>]\s*-?[0-9]+)$")]
    private static partial Regex LabelTerm();
}
