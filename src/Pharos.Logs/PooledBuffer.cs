using System.Buffers;

namespace Pharos.Logs;

/// <summary>A growing byte buffer from the shared pool. Not safe for several threads.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(4096);
    private int used;

    public int Length => used;

    public ReadOnlySpan<byte> Span => bytes.AsSpan(0, used);

    public ReadOnlyMemory<byte> Memory => bytes.AsMemory(0, used);

    public void Clear() => used = 0;

    public void Advance(int count) => used += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(Math.Max(1, sizeHint));
        return bytes.AsSpan(used);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(1, sizeHint));
        return bytes.AsMemory(used);
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        Grow(data.Length);
        data.CopyTo(bytes.AsSpan(used));
        used += data.Length;
    }

    public void Dispose()
    {
        if (bytes.Length == 0) return;
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        used = 0;
    }

    private void Grow(int more)
    {
        if (used + more <= bytes.Length) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max((long)used + more, bytes.Length * 2L)));
        bytes.AsSpan(0, used).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = larger;
    }
}
