using System.Diagnostics;
using System.Globalization;
using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>
/// The metrics that every process of the ecosystem shows about itself (<c>process_*</c>), and those of the .NET runtime (<c>dotnet_*</c>).
/// Values are read when the metrics are.
/// </summary>
public static class ProcessMetrics
{
    public static void Register(Instruments instruments)
    {
        var cpu = instruments.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
        var resident = instruments.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
        var virtualBytes = instruments.Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
        var started = instruments.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");
        var threads = instruments.Gauge("process_num_threads", "Number of operating system threads in the process.");
        var openFiles = instruments.Gauge("process_open_fds", "Number of open file descriptors.");
        var maxFiles = instruments.Gauge("process_max_fds", "Maximum number of open file descriptors.");
        var collections = instruments.Counter("dotnet_collection_count_total", "Garbage collections, by generation.", "generation");
        var heap = instruments.Gauge("dotnet_gc_heap_size_bytes", "Size of the managed heap after the last collection.");
        var allocated = instruments.Counter("dotnet_gc_allocated_bytes_total", "Bytes allocated on the managed heap.");
        var pause = instruments.Counter("dotnet_gc_pause_seconds_total", "Time in which a collection stopped all threads.");
        var poolThreads = instruments.Gauge("dotnet_threadpool_threads", "Threads in the thread pool.");
        var poolQueue = instruments.Gauge("dotnet_threadpool_queue_length", "Work items that wait for a thread of the pool.");
        var contention = instruments.Counter("dotnet_lock_contention_total", "Times a lock was not free.");
        instruments.Gauge("dotnet_info", "Version of the runtime.", "version").With(Environment.Version.ToString()).Set(1);

        using (var self = Process.GetCurrentProcess())
            started.Set((self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
        int? limit = OpenFilesMax();
        if (limit is not null) maxFiles.Set(limit.Value);

        instruments.BeforeRead(() =>
        {
            using var self = Process.GetCurrentProcess();
            cpu.With().Set(self.TotalProcessorTime.TotalSeconds);
            resident.Set(self.WorkingSet64);
            virtualBytes.Set(self.VirtualMemorySize64);
            threads.Set(self.Threads.Count);
            if (Directory.Exists("/proc/self/fd")) openFiles.Set(Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
            for (int generation = 0; generation <= GC.MaxGeneration; generation++)
                collections.With(generation.ToString(CultureInfo.InvariantCulture)).Set(GC.CollectionCount(generation));
            heap.Set(GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes);
            allocated.With().Set(GC.GetTotalAllocatedBytes());
            pause.With().Set(GC.GetTotalPauseDuration().TotalSeconds);
            poolThreads.Set(ThreadPool.ThreadCount);
            poolQueue.Set(ThreadPool.PendingWorkItemCount);
            contention.With().Set(Monitor.LockContentionCount);
        });
    }

    private static int? OpenFilesMax()
    {
        const string limits = "/proc/self/limits";
        if (!File.Exists(limits)) return null;
        foreach (string line in File.ReadLines(limits))
        {
            if (!line.StartsWith("Max open files", StringComparison.Ordinal)) continue;
            var words = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Length > 0 && int.TryParse(words[0], CultureInfo.InvariantCulture, out int max) ? max : null;
        }
        return null;
    }
}
