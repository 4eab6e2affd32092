namespace Pharos.Cli.Demo;

/// <summary>Prints the steps of the story as they happen, each with the time since the start and its facts.</summary>
internal sealed class Timeline(TextWriter output, bool redraw)
{
    private readonly List<(string Story, IReadOnlyList<StoryStep> Steps)> stories = [];
    private bool waitingShown;

    /// <summary>The first step that has not happened; null when all have.</summary>
    public string? Missing => stories.SelectMany(s => s.Steps.Where(t => t.DoneAt is null).Select(t => $"{t.Name} ({s.Story})")).FirstOrDefault();

    public void Show(string story, IReadOnlyList<StoryStep> steps) => stories.Add((story, steps));

    public void Say(TimeSpan elapsed, string text)
    {
        ClearWaiting();
        output.WriteLine($"{Clock(elapsed)}  -- {text}");
    }

    /// <summary>Looks for every step that is still missing; prints those that happened.</summary>
    public async Task LookAsync(TimeSpan elapsed, DateTimeOffset now, CancellationToken cancel)
    {
        foreach (var (story, steps) in stories)
        {
            for (int i = 0; i < steps.Count; i++)
            {
                if (steps[i].DoneAt is not null || !await steps[i].LookAsync(now, cancel)) continue;
                ClearWaiting();
                output.WriteLine($"{Clock(elapsed)}  {story,-22}  {i + 1,2}/{steps.Count}  {steps[i].Name,-18} {OneLine(steps[i].Facts)}");
            }
        }
        if (!redraw || Missing is not { } missing) return;
        ClearWaiting();
        output.Write($"{Clock(elapsed)}  waiting for: {missing}");
        waitingShown = true;
    }

    private void ClearWaiting()
    {
        if (!waitingShown) return;
        output.Write("\r\u001b[2K");
        waitingShown = false;
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static string Clock(TimeSpan elapsed) => elapsed.ToString(@"hh\:mm\:ss");
}
