namespace Pharos.Server.Prometheus.Description;

/// <summary>What is said of a path of the API, the same for all its methods.</summary>
/// <param name="Data">What the answer's <c>data</c> is, in <see cref="ShapeNotation"/>; null where the answer is no JSON.</param>
/// <param name="Media">Media type of the answer; null where it has no body.</param>
internal sealed record ApiOperation(string About, string? Data, params ApiParameter[] Parameters)
{
    public string? Media { get; init; } = "application/json";

    /// <summary>Media type of the request's body; null: POST takes the parameters as a form.</summary>
    public string? Body { get; init; }

    /// <summary>Status of an answer without error.</summary>
    public int Status { get; init; } = 200;
}
