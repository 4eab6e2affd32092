using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.Metrics.Append;

/// <summary>Errors of one request: the first few of each code in words, the rest as counts, so a bad request stays cheap.</summary>
internal sealed class AppendErrors
{
    private const int WordsPerCode = 5;

    private readonly List<Entry> errors = [];

    public IReadOnlyList<AppendError> ToList() => errors.Count == 0 ? [] : [.. errors.Select(e => new AppendError(e.Kind, e.Code, e.Message, e.Samples))];

    public void Clear() => errors.Clear();

    /// <summary>Whether the next error of a code shall be said in words; else it is to be counted.</summary>
    public bool WantsWords(string code)
    {
        int seen = 0;
        foreach (ref readonly var error in CollectionsMarshal.AsSpan(errors))
        {
            if (error.Code == code) seen++;
        }
        return seen < WordsPerCode;
    }

    /// <summary>Counts another sample that the newest error of a code cost. Makes nothing: a request may be refused whole.</summary>
    public void Count(string code)
    {
        var all = CollectionsMarshal.AsSpan(errors);
        for (int i = all.Length - 1; i >= 0; i--)
        {
            if (all[i].Code != code) continue;
            all[i].Samples++;
            return;
        }
        throw new InvalidOperationException($"no error {code} was said in words before it was counted");
    }

    public void Add(AppendErrorKind kind, string code, string message, int samples = 1) => errors.Add(new Entry(kind, code, message) { Samples = samples });

    private record struct Entry(AppendErrorKind Kind, string Code, string Message)
    {
        public int Samples { get; set; }
    }
}
