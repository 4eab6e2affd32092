using System.Runtime.InteropServices;

namespace Pharos.Core;

/// <summary>Arrays are equal where all their numbers are.</summary>
internal sealed class VectorComparer<T> : IEqualityComparer<T[]>
    where T : unmanaged, IEquatable<T>
{
    private VectorComparer()
    {
    }

    public static VectorComparer<T> Instance { get; } = new();

    public bool Equals(T[]? x, T[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(T[] obj)
    {
        var hash = new HashCode();
        hash.AddBytes(MemoryMarshal.AsBytes<T>(obj));
        return hash.ToHashCode();
    }
}
