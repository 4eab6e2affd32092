using System.Buffers;
using System.Security.Cryptography;

namespace Pharos.Metrics.Blocks;

/// <summary>Names of blocks: 48 bits of time and 80 random bits in Crockford's base 32, so that names sort by age.</summary>
internal static class Ulid
{
    private const string Digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    private static readonly SearchValues<char> Allowed = SearchValues.Create(Digits);

    public static string New(long nowMs)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        return string.Create(26, (nowMs, Random: random.ToArray()), static (text, from) =>
        {
            for (int i = 9; i >= 0; i--)
            {
                text[i] = Digits[(int)(from.nowMs & 31)];
                from.nowMs >>= 5;
            }
            for (int i = 0; i < 16; i++) text[10 + i] = Digits[from.Random[i] & 31];
        });
    }

    public static bool IsUlid(string name) => name.Length == 26 && name.AsSpan().IndexOfAnyExcept(Allowed) < 0;
}
