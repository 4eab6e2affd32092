using Pharos.Core;
using Pharos.LogQL;
using Pharos.PromQL;

namespace Pharos.Server.Checks;

/// <summary>A language that can be checked and formatted, but has no data to be evaluated on.</summary>
internal sealed class CheckOnlyLanguage : IRuleLanguage
{
    private readonly IRuleLanguage language;

    private CheckOnlyLanguage(IRuleLanguage language) => this.language = language;

    public static CheckOnlyLanguage PromQl { get; } = new(new PromQlRuleLanguage(null!));

    public static CheckOnlyLanguage LogQl { get; } = new(new LogQlRuleLanguage(null!, TimeProvider.System));

    public ValueTask<InstantResult> QueryInstantAsync(TenantId tenant, string expression, long timestampMs, CancellationToken cancel) =>
        throw new InvalidOperationException("a check evaluates nothing");

    public IReadOnlyList<Diagnostic> Check(string expression) => language.Check(expression);

    public string Format(string expression) => language.Format(expression);
}
