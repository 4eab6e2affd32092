namespace Pharos.Cli.Demo;

/// <param name="Folder">Where everything is kept; null: a new folder that is removed at the end.</param>
/// <param name="Headless">True: plain lines only, nothing is redrawn.</param>
/// <param name="ExitAfter">Longest real time to run; null: until the story is over (fast) or until Ctrl-C.</param>
internal sealed record DemoOptions(string? Folder, string Host, int Port, bool Headless, TimeSpan? ExitAfter);
