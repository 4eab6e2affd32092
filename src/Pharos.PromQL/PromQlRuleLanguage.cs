using Pharos.Core;

namespace Pharos.PromQL;

/// <summary>PromQL for the rule engine.</summary>
public sealed class PromQlRuleLanguage(PromQlEngine engine) : IRuleLanguage
{
    public async ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel)
    {
        var result = await engine.InstantAsync(tenant, expression, timestampMs, settings: null, cancel).ConfigureAwait(false);
        IReadOnlyList<string> warnings = [.. result.Warnings, .. result.Infos];
        return result.Type switch
        {
            QueryResultType.Vector => new InstantResult(result.Vector, warnings),
            QueryResultType.Scalar => new InstantResult([new VectorSample(Labels.Empty, timestampMs, result.Scalar)], warnings),
            _ => throw new QueryException(
                QueryErrorKind.BadData, $"rule result is a {(result.Type == QueryResultType.String ? "string" : "range vector")}, not a vector or scalar"),
        };
    }

    public IReadOnlyList<Diagnostic> Check(string expression)
    {
        var findings = PromQlLanguage.Check(expression);
        if (findings.Count > 0) return findings;
        var type = PromQlLanguage.Parse(expression).Type;
        return type is Syntax.ExprType.Vector or Syntax.ExprType.Scalar
            ? []
            : [Diagnostic.Error(new SourcePosition("", 1, 1), $"a rule's expression must be an instant vector or a scalar, not a {Syntax.TypeChecker.Name(type)}")];
    }

    public string Format(string expression)
    {
        try
        {
            return PromQlLanguage.Format(expression);
        }
        catch (QueryException)
        {
            return expression;
        }
    }
}
