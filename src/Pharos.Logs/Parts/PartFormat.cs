namespace Pharos.Logs.Parts;

/// <summary>Constants of the log part's layout, docs/formats/log-part.md.</summary>
internal static class PartFormat
{
    public const int Version = 5;
    public const int HeaderBytes = 16;
    public const int FooterBytes = 104;
    public const string Extension = ".part";

    public static ReadOnlySpan<byte> Magic => "PHARLOGP"u8;

    public static ReadOnlySpan<byte> EndMagic => "PLOGPEND"u8;
}
