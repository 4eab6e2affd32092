namespace Pharos.Testing;

/// <summary>Damage to bytes, for tests of decoders.</summary>
public static class Mutations
{
    /// <summary>Bits flipped, bytes overwritten, cut out, put in, or cut off.</summary>
    public static byte[] Of(ReadOnlySpan<byte> valid, Random random)
    {
        var bytes = new List<byte>(valid.Length + 16);
        bytes.AddRange(valid);
        for (int change = random.Next(1, 5); change > 0 && bytes.Count > 0; change--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes[at] = 0xff; break;
                case 3: bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at)); break;
                case 4: bytes.InsertRange(at, Enumerable.Repeat((byte)random.Next(256), random.Next(1, 9))); break;
                default:
                    if (random.Next(4) == 0) bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }
}
