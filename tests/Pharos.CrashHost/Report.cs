namespace Pharos.CrashHost;

/// <summary>
/// Tells the test, a line at a time: "have SENDER COUNT…" for what was found of each sender at the start, then "ready";
/// then "SENDER COUNT…" after each acknowledgement, with all of the sender that is acknowledged.
/// </summary>
internal sealed class Report
{
    private readonly StreamWriter output = new(Console.OpenStandardOutput(), bufferSize: 1) { AutoFlush = true };
    private readonly Lock gate = new();

    public void Ready(IEnumerable<int[]> found)
    {
        foreach (var (sender, counts) in found.Index()) Print($"have {sender} {string.Join(' ', counts)}");
        Print("ready");
    }

    public void Acknowledged(int sender, params int[] counts) => Print($"{sender} {string.Join(' ', counts)}");

    private void Print(string line)
    {
        lock (gate) output.WriteLine(line);
    }
}
