using System.Net;
using System.Net.Sockets;
using System.Numerics;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>The argument of <c>ip(…)</c>: one address, a range <c>a-b</c>, or a network in CIDR notation.</summary>
internal sealed class IpPattern
{
    private readonly bool v6;
    private readonly UInt128 low;
    private readonly UInt128 high;

    private IpPattern(bool v6, UInt128 low, UInt128 high)
    {
        this.v6 = v6;
        this.low = low;
        this.high = high;
    }

    /// <exception cref="QueryException">The text is no address, range or network.</exception>
    public static IpPattern Parse(string text)
    {
        if (TryParse(text, out var pattern)) return pattern!;
        throw new QueryException(QueryErrorKind.BadData, $"ip: invalid pattern. ip(`{text}`): use an address, a range like 10.0.0.1-10.0.0.9, or a network like 10.0.0.0/8");
    }

    /// <summary>The IPv4 addresses that are meant, as numbers, both ends inclusive; null where it means others.</summary>
    public (uint Low, uint High)? V4 => v6 ? null : ((uint)low, (uint)high);

    public bool Contains(IPAddress address)
    {
        bool isV6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        if (isV6 != v6) return false;
        var value = Number(address);
        return value >= low && value <= high;
    }

    /// <summary>Whether any address in the text is meant. Addresses are found by runs of digits, hexadecimal digits, dots and colons.</summary>
    public bool FoundIn(ReadOnlySpan<byte> text)
    {
        for (int i = 0; i < text.Length;)
        {
            byte b = text[i];
            if (!IsHex(b) && b != ':')
            {
                i++;
                continue;
            }
            int end = i;
            while (end < text.Length && (char.IsAsciiDigit((char)text[end]) || text[end] == '.')) end++;
            if (end - i >= 7 && TryAddress(text[i..end].TrimEnd((byte)'.'), out var v4) && v4.AddressFamily == AddressFamily.InterNetwork)
            {
                if (Contains(v4)) return true;
                i = end;
                continue;
            }
            end = i;
            int colons = 0;
            while (end < text.Length && (IsHex(text[end]) || text[end] is (byte)':' or (byte)'.'))
            {
                if (text[end] == ':') colons++;
                end++;
            }
            if (colons >= 2)
            {
                if (TryAddress(text[i..end].TrimEnd((byte)'.'), out var v6Address) && Contains(v6Address)) return true;
                i = end;
                continue;
            }
            // Skip this word of digits, but not past a dot or colon: an address may begin after it.
            while (i < text.Length && IsHex(text[i])) i++;
            while (i < text.Length && text[i] is (byte)':' or (byte)'.' && !(text[i] == ':' && i + 1 < text.Length && text[i + 1] == ':')) i++;
            if (end > i && i < text.Length && text[i] == ':') i++;
        }
        return false;
    }

    private static bool TryParse(string text, out IpPattern? pattern)
    {
        pattern = null;
        int dash = text.IndexOf('-');
        if (dash > 0)
        {
            if (!TryAddress(text.AsSpan(0, dash), out var from) || !TryAddress(text.AsSpan(dash + 1), out var to) || from.AddressFamily != to.AddressFamily) return false;
            if (Number(from) > Number(to)) return false;
            pattern = new IpPattern(from.AddressFamily == AddressFamily.InterNetworkV6, Number(from), Number(to));
            return true;
        }
        int slash = text.IndexOf('/');
        if (slash > 0)
        {
            if (!TryAddress(text.AsSpan(0, slash), out var network) || !int.TryParse(text[(slash + 1)..], out int bits)) return false;
            int width = network.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
            if (bits < 0 || bits > width) return false;
            UInt128 rest = width - bits == 128 ? UInt128.MaxValue : (UInt128.One << (width - bits)) - 1;
            var number = Number(network);
            pattern = new IpPattern(width == 128, number & ~rest, number | rest);
            return true;
        }
        if (!TryAddress(text, out var single)) return false;
        pattern = new IpPattern(single.AddressFamily == AddressFamily.InterNetworkV6, Number(single), Number(single));
        return true;
    }

    private static bool TryAddress(ReadOnlySpan<byte> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.Length > 45) return false;
        Span<char> chars = stackalloc char[text.Length];
        for (int i = 0; i < text.Length; i++) chars[i] = (char)text[i];
        return TryAddress(chars, out address);
    }

    private static bool TryAddress(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        // .NET also takes 1, 1.2 and 1.2.3 for addresses; nobody means those here.
        if (!text.Contains(':') && text.Count('.') != 3) return false;
        if (!IPAddress.TryParse(text, out var parsed)) return false;
        address = parsed;
        return true;
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        UInt128 value = 0;
        for (int i = 0; i < written; i++) value = (value << 8) | bytes[i];
        return value;
    }

    private static bool IsHex(byte b) => char.IsAsciiHexDigit((char)b);
}

/// <summary>A line that holds an address of the pattern.</summary>
internal sealed class IpLineMatcher(IpPattern pattern) : LineMatcher
{
    public override bool IsMatch(ReadOnlySpan<byte> line) => pattern.FoundIn(line);
}
