namespace Pharos.Wire;

/// <summary>What is wrong with a body that came over the wire.</summary>
public enum WireErrorKind
{
    /// <summary>The bytes are not what they claim to be (HTTP 400).</summary>
    Malformed,

    /// <summary>The body, packed or unpacked, is over its limit (HTTP 413).</summary>
    TooLarge,

    /// <summary>A content encoding or type that is not spoken here (HTTP 400 or 415).</summary>
    Unsupported,
}

/// <summary>A body that cannot be read. Nothing of it was used.</summary>
public sealed class WireFormatException : Exception
{
    public WireFormatException(WireErrorKind kind, string message, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        Offset = -1;
    }

    /// <summary>Malformed bytes at a known place, which the message names.</summary>
    public WireFormatException(string message, long offset)
        : base($"{message} at byte {offset}")
    {
        Kind = WireErrorKind.Malformed;
        Offset = offset;
    }

    public WireErrorKind Kind { get; }

    /// <summary>Offset of the fault in the unpacked body; −1 where it has no place.</summary>
    public long Offset { get; }
}
