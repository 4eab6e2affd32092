namespace Pharos.Wire;

/// <summary>Bytes that are not what their format says. The message names what is wrong and the byte offset.</summary>
public sealed class WireFormatException : FormatException
{
    public WireFormatException(string message, long offset = -1)
        : base(offset >= 0 ? $"{message} at byte {offset}" : message) => Offset = offset;

    /// <summary>Offset of the fault in the (decompressed) body; −1 where it has no place.</summary>
    public long Offset { get; }
}
