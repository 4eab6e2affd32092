using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;
using Pharos.Wire;
using Pharos.Wire.Loki;

namespace Pharos.Logs.Tools;

/// <summary>What an import took.</summary>
/// <param name="Problems">What was not taken and why, with the line of the input.</param>
public sealed record LogImported(long Lines, long Entries, IReadOnlyList<string> Problems);

/// <summary>
/// Takes lines of JSON as <see cref="LogExport"/> writes them, in any of its forms, into the parts of a data folder that no server uses.
/// Entries keep their labels and metadata as they are, and no limit on their age or size holds. What is there already is not stored twice.
/// </summary>
/// <param name="disk">What is written to; null for the real one.</param>
/// <param name="flushBytes">Bytes of entries after which they are written to parts.</param>
public sealed class LogImport(string data, ILogFilterLanguage language, TimeProvider time, ILogger logger, IDisk? disk = null, long flushBytes = 64 << 20)
{
    private static readonly TenantLimits Unlimited = new()
    {
        LabelNameBytesMax = 0,
        LabelValueBytesMax = 0,
        CreationGracePeriod = TimeSpan.Zero,
        LogLineBytesMax = 0,
        StreamsMax = 0,
        LogLabelNamesMax = 0,
        LogMetadataBytesMax = 0,
        LogMetadataEntriesMax = 0,
        LogAgeMax = TimeSpan.Zero,
    };

    /// <param name="progress">Called with entries so far and 0.</param>
    /// <exception cref="InvalidDataException">A line is no push body; entries before it were taken.</exception>
    /// <exception cref="IOException">A server uses the folder, or entries cannot be written to parts.</exception>
    /// <exception cref="StoreUnavailableException">The write log cannot be written.</exception>
    public async Task<LogImported> RunAsync(TenantId tenant, Stream input, Action<long, long>? progress, CancellationToken cancel)
    {
        var instruments = new Instruments();
        await using var log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(data, "write-log"), Sync = SyncPolicy.Interval }, time, instruments, logger, disk);
        var options = new LogStoreOptions
        {
            Folder = Path.Combine(data, "logs"),
            FilterLanguage = language,
            DiscoverLevels = false,
            ServiceNameLabels = [],
            RejectOldEntries = false,
            CheckInterval = Timeout.InfiniteTimeSpan,
            Disk = disk ?? FileDisk.Instance,
        };
        await using var store = new LogStore(options, log, new FixedTenantLimits(Unlimited), time, instruments, logger);
        store.Start();
        LogImported done;
        try
        {
            done = await TakeAsync(store, tenant, input, progress, cancel);
        }
        catch
        {
            // What was taken stays, also where more could not be.
            await store.FlushAsync(CancellationToken.None);
            throw;
        }
        await FlushAsync(store, tenant, done.Entries, CancellationToken.None);
        return done;
    }

    private async Task FlushAsync(LogStore store, TenantId tenant, long entries, CancellationToken cancel)
    {
        if (!await store.FlushAsync(cancel, tenant))
            throw new IOException($"entries cannot be written to parts in {Path.Combine(data, "logs")}: the disk failed, as said above; the {entries} entries taken so far are in the write log. Mend the folder and repeat the import");
    }

    private async Task<LogImported> TakeAsync(LogStore store, TenantId tenant, Stream input, Action<long, long>? progress, CancellationToken cancel)
    {
        using var batch = new LogBatch();
        var problems = new List<string>();
        long entries = 0, waiting = 0, line = 0;
        await foreach (var body in PushLines.ReadAsync(input, cancel))
        {
            line = body.Last;
            LokiPushResult read;
            try
            {
                read = LokiPushDecoder.DecodeJson(body.Bytes, LokiPushOptions.Default, batch);
            }
            catch (WireFormatException wrong)
            {
                throw new InvalidDataException($"{body}: {wrong.Message}; {entries} entries before it were taken", wrong);
            }
            var result = await store.AppendAsync(tenant, batch, cancel);
            foreach (var error in read.Errors.Concat(result.Errors)) problems.Add($"{body}: {error.Samples} entries were not taken: {error.Message}");
            entries += result.Entries;
            waiting += result.Bytes;
            progress?.Invoke(entries, 0);
            if (waiting < flushBytes) continue;
            await FlushAsync(store, tenant, entries, cancel);
            waiting = 0;
        }
        return new LogImported(line, entries, problems);
    }
}
