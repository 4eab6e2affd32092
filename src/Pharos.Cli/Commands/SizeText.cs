using System.Globalization;

namespace Pharos.Cli.Commands;

/// <summary>Bytes for people: <c>1.5 MiB</c>.</summary>
internal static class SizeText
{
    public static string Of(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double size = bytes;
        int unit = 0;
        for (; size >= 1024 && unit < units.Length - 1; unit++) size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{size:0.##} {units[unit]}");
    }
}
