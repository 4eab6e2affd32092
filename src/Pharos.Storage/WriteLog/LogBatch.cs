using Pharos.Core;

namespace Pharos.Storage.WriteLog;

/// <summary>Records that will share one write. Guarded by the log's gate until the writer has taken it.</summary>
internal sealed class LogBatch
{
    private const int KeptBytesMax = 8 << 20;

    private byte[] bytes = new byte[64 << 10];
    private TaskCompletionSource<WriteLogPosition> written = NewSource();

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => bytes.AsSpan(0, Length);

    /// <summary>Place of the batch's first byte, once it is durable.</summary>
    public Task<WriteLogPosition> Written => written.Task;

    /// <summary>Offset in the batch of the last record of each kind; -1 for none.</summary>
    public int LastMetrics { get; private set; } = -1;
    public int LastLogs { get; private set; } = -1;

    /// <summary>Returns the record's offset in the batch.</summary>
    public int Add(RecordKind kind, TenantId tenant, ReadOnlySpan<byte> payload, int size)
    {
        if (Length + size > bytes.Length) Array.Resize(ref bytes, Math.Max(Length + size, bytes.Length * 2));
        int at = Length;
        Length += LogFormat.WriteRecord(bytes.AsSpan(at), kind, tenant, payload);
        if (kind == RecordKind.Metrics) LastMetrics = at;
        else LastLogs = at;
        return at;
    }

    public void Complete(WriteLogPosition start) => written.SetResult(start);

    public void Fail(Exception failure)
    {
        written.SetException(failure);
        // Appenders whose request was cancelled leave nobody to look at it.
        _ = written.Task.Exception;
    }

    /// <summary>Makes the batch empty. False where its buffer is too large to keep.</summary>
    public bool Reset()
    {
        Length = 0;
        LastMetrics = LastLogs = -1;
        written = NewSource();
        return bytes.Length <= KeptBytesMax;
    }

    private static TaskCompletionSource<WriteLogPosition> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
