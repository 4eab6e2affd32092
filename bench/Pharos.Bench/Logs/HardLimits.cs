using System.Diagnostics;
using System.Globalization;

namespace Pharos.Bench.Logs;

/// <summary>What the system's own tools need for the same lines in files.</summary>
internal static class HardLimits
{
    /// <summary>Whether a program is on the path.</summary>
    public static bool Has(string program) => Run($"command -v {program}").Output.Length > 0;

    /// <summary>Runs a line of the shell; wall and CPU (user and system) seconds of all its processes.</summary>
    public static (double Wall, double Cpu, string Output) Run(string command)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"TIMEFORMAT='%R %U %S'; time {{ {command}; }}");
        using var process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd(), errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        double[] times = [.. errors.TrimEnd().Split('\n')[^1].Split(' ').Select(t => double.Parse(t, CultureInfo.InvariantCulture))];
        return (times[0], times[1] + times[2], output.Trim());
    }
}
