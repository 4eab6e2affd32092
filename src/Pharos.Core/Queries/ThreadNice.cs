using System.Runtime.InteropServices;

namespace Pharos.Core;

/// <summary>
/// Lets a thread step back when others want the processor. .NET's own thread priorities have no effect on Linux, where setpriority(2)
/// with PRIO_PROCESS and 0 means the calling thread alone.
/// </summary>
internal static partial class ThreadNice
{
    private const int PrioProcess = 0;

    /// <summary>A tenth of the weight of a thread of normal priority.</summary>
    private const int Niceness = 10;

    /// <summary>Lowers the calling thread for good. Where the system refuses, it goes on as it is: nothing depends on it but fairness.</summary>
    public static void LowerCurrent()
    {
        if (OperatingSystem.IsLinux()) _ = SetPriority(PrioProcess, 0, Niceness);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
