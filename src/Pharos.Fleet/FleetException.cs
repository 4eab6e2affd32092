namespace Pharos.Fleet;

/// <summary>Why a request to the fleet was refused; the codes of the Connect protocol.</summary>
public enum FleetErrorCode
{
    InvalidArgument,
    NotFound,
    AlreadyExists,
    FailedPrecondition,
    ResourceExhausted,
}

/// <summary>A request that the fleet refuses. Nothing of it was done.</summary>
public sealed class FleetException(FleetErrorCode code, string message) : Exception(message)
{
    public FleetErrorCode Code { get; } = code;
}
