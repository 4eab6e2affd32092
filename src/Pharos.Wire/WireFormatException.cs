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
public sealed class WireFormatException(WireErrorKind kind, string message, Exception? inner = null) : Exception(message, inner)
{
    public WireErrorKind Kind { get; } = kind;
}
