using Pharos.Core;

namespace Pharos.Metrics.Append;

/// <summary>Errors of one request: the first few of each code in words, the rest as counts, so a bad request stays cheap.</summary>
internal sealed class AppendErrors
{
    private const int WordsPerCode = 5;

    private List<AppendError>? errors;

    public IReadOnlyList<AppendError> ToList() => errors is null ? [] : [.. errors];

    public void Clear() => errors = null;

    /// <summary>Whether the next error of a code shall be said in words; else it is to be counted.</summary>
    public bool WantsWords(string code)
    {
        int seen = 0;
        for (int i = 0; i < (errors?.Count ?? 0); i++)
        {
            if (errors![i].Code == code) seen++;
        }
        return seen < WordsPerCode;
    }

    /// <summary>Counts another sample that the newest error of a code cost.</summary>
    public void Count(string code)
    {
        int last = errors!.FindLastIndex(e => e.Code == code);
        errors[last] = errors[last] with { Samples = errors[last].Samples + 1 };
    }

    public void Add(AppendErrorKind kind, string code, string message, int samples = 1) =>
        (errors ??= []).Add(new AppendError(kind, code, message, samples));
}
