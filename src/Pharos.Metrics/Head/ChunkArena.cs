namespace Pharos.Metrics.Head;

/// <summary>
/// Room for finished chunks: arrays that are filled one after the other. Nothing is given back; an array goes when the last chunk
/// in it does, and chunks that are finished at one time leave the head at one time. Used under the head's gate.
/// </summary>
internal sealed class ChunkArena
{
    private const int BytesMin = 4 << 10;
    private const int BytesMax = 256 << 10;

    private byte[] current = [];
    private int used;

    public byte[] Take(int bytes, out int start)
    {
        if (used + bytes > current.Length)
        {
            // Small tenants get small arrays.
            current = new byte[Math.Max(bytes, Math.Clamp(current.Length * 2, BytesMin, BytesMax))];
            used = 0;
        }
        start = used;
        used += bytes;
        return current;
    }
}
