using System.Globalization;

namespace Pharos.Core;

/// <summary>Sizes as Prometheus writes them: <c>512MB</c>; units are powers of 1024 (B, KB … EB, or KiB … EiB), whole numbers; a bare <c>0</c> is zero.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];

    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        if (string.IsNullOrEmpty(text)) return false;
        if (text == "0") return true;
        int letters = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (letters <= 0) return false;
        int power = Array.IndexOf(Units, text[letters..].Replace("iB", "B", StringComparison.Ordinal));
        if (power < 0 || !long.TryParse(text.AsSpan(0, letters), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return false;
        if (number > long.MaxValue >> (10 * power)) return false;
        bytes = number << (10 * power);
        return true;
    }
}
