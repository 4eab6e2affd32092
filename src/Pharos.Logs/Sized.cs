using System.Numerics;

namespace Pharos.Logs;

/// <summary>Arrays that are used again and again, for more or less each time.</summary>
internal static class Sized
{
    /// <summary>Takes a larger array where one is too short; what was in it is lost. In powers of two: what comes next may be a little larger.</summary>
    public static void AtLeast<T>(ref T[] array, int length)
    {
        if (array.Length < length) array = new T[BitOperations.RoundUpToPowerOf2((uint)length)];
    }
}
