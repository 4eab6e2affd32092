namespace Pharos.Testing;

/// <summary>
/// Runs the cases of a conformance folder. Every case passes, or stands with its reason in a list that is committed beside the run;
/// a case that fails unlisted, a listed case that passes, and a listed case that does not exist all fail the run.
/// </summary>
public sealed class ConformanceRun(string name)
{
    private readonly List<(string Id, string? Failure)> results = [];

    /// <summary>Runs one case; <paramref name="check"/> gives null where it passes, else what came out instead.</summary>
    public void Case(string id, Func<string?> check)
    {
        string? failure;
        try
        {
            failure = check();
        }
        catch (Exception thrown) when (thrown is not OutOfMemoryException)
        {
            failure = $"{thrown.GetType().Name}: {thrown.Message}";
        }
        results.Add((id, failure));
    }

    /// <summary>Cases run so far.</summary>
    public int Count => results.Count;

    /// <summary>Reads a list: a line for each case, <c>id: reason</c>; empty lines and lines that start with # say nothing.</summary>
    public static IReadOnlyDictionary<string, string> ReadList(string path) => !File.Exists(path)
        ? new Dictionary<string, string>()
        : File.ReadLines(path)
            .Where(l => l.Trim().Length > 0 && !l.StartsWith('#'))
            .Select(l => l.Split(": ", 2))
            .ToDictionary(p => p[0].Trim(), p => p.Length > 1 ? p[1].Trim() : "");

    /// <summary>What is wrong with the run as a whole; empty where nothing is.</summary>
    /// <param name="found">Number of cases in the folder, counted apart from running them.</param>
    public IReadOnlyList<string> Faults(int found, IReadOnlyDictionary<string, string>? listed = null)
    {
        listed ??= new Dictionary<string, string>();
        var faults = new List<string>();
        foreach (var (id, failure) in results)
        {
            if (failure is null && listed.ContainsKey(id)) faults.Add($"{name} {id}: is listed, yet passes; take it off the list");
            if (failure is not null && !listed.ContainsKey(id)) faults.Add($"{name} {id}: {failure}");
        }
        var ids = results.Select(r => r.Id).ToHashSet();
        foreach (var (id, reason) in listed)
        {
            if (!ids.Contains(id)) faults.Add($"{name} {id}: is listed, yet no such case exists");
            if (reason.Length == 0) faults.Add($"{name} {id}: is listed without a reason");
        }
        int passed = results.Count(r => r.Failure is null);
        int excused = results.Count(r => r.Failure is not null && listed.ContainsKey(r.Id));
        if (ids.Count != results.Count) faults.Add($"{name}: two cases have one name");
        if (faults.Count == 0 && passed + excused != found) faults.Add($"{name}: {passed} passed and {excused} listed, but the folder holds {found} cases");
        return faults;
    }

    /// <summary>Fails the calling test with all faults.</summary>
    public void Verify(int found, IReadOnlyDictionary<string, string>? listed = null)
    {
        var faults = Faults(found, listed);
        Report(name, results.Count(r => r.Failure is null), listed?.Count ?? 0, found);
        if (faults.Count > 0) Assert.Fail($"{faults.Count} faults\n" + string.Join('\n', faults));
    }

    /// <summary>Leaves the numbers of a run in artifacts/conformance, for whoever reads the reports of all runs together.</summary>
    public static void Report(string run, int passed, int listed, int found)
    {
        string folder = Path.Combine(Places.Repository, "artifacts", "conformance");
        Directory.CreateDirectory(folder);
        string file = string.Concat(run.Select(c => char.IsLetterOrDigit(c) ? c : '-'));
        File.WriteAllText(Path.Combine(folder, file + ".txt"), $"{run}: {passed} passed, {listed} listed, of {found}\n");
    }
}
