namespace Pharos.Metrics;

/// <summary>Having finished chunks of the head written into files.</summary>
internal sealed partial class TenantStore
{
    private long chunkBytesDue;
    private int writingChunks;

    /// <summary>Ends when the writing of finished chunks that was begun last has ended.</summary>
    public Task ChunksWritten { get; private set; } = Task.CompletedTask;

    /// <summary>Has finished chunks written into files, beside all else, where they are many.</summary>
    public void WriteChunksIfDue()
    {
        if (Head.WaitingChunkBytes < Interlocked.Read(ref chunkBytesDue) || Interlocked.Exchange(ref writingChunks, 1) != 0) return;
        ChunksWritten = Task.Run(WriteChunks);
    }

    private void WriteChunks()
    {
        try
        {
            Head.WriteChunks();
            Interlocked.Exchange(ref chunkBytesDue, options.HeadChunkBytes);
        }
        catch (Exception failure)
        {
            // Whatever it is, closing goes on; and not again with each request.
            Interlocked.Exchange(ref chunkBytesDue, Head.WaitingChunkBytes + options.HeadChunkBytes);
            MetricsLog.HeadChunksNotWritten(logger, Tenant.Name, failure.Message);
        }
        finally
        {
            Interlocked.Exchange(ref writingChunks, 0);
        }
    }
}
