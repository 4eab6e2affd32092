using Pharos.Core;

namespace Pharos.Wire.RemoteWrite;

/// <summary>
/// Collects what a request holds that cannot be taken: one error per code, with the first case in words and the samples of all,
/// so that a request full of faults costs no more than one fault.
/// </summary>
internal sealed class RejectTally
{
    private readonly List<AppendError> errors = [];

    public IReadOnlyList<AppendError> Errors => errors;

    public void Clear() => errors.Clear();

    public bool Knows(string code) => IndexOf(code) >= 0;

    public void Add(string code, int samples, string message)
    {
        int at = IndexOf(code);
        if (at < 0) errors.Add(new AppendError(AppendErrorKind.BadData, code, message, samples));
        else errors[at] = errors[at] with { Samples = errors[at].Samples + samples };
    }

    private int IndexOf(string code)
    {
        for (int i = 0; i < errors.Count; i++)
        {
            if (errors[i].Code == code) return i;
        }
        return -1;
    }
}
