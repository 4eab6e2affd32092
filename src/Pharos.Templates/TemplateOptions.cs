namespace Pharos.Templates;

/// <summary>What a key that a map does not hold evaluates to.</summary>
public enum MissingKey
{
    /// <summary>No value; prints as <c>&lt;no value&gt;</c>.</summary>
    NoValue,

    /// <summary>The zero value of the map's elements: an empty string for a map of strings.</summary>
    Zero,

    /// <summary>Execution fails.</summary>
    Error,
}

/// <summary>How a template behaves and what it may use. Hostile text cannot pass these bounds.</summary>
public sealed record TemplateOptions
{
    public static TemplateOptions Default { get; } = new();

    public MissingKey MissingKey { get; init; }

    /// <summary>Escape values by their place in HTML, as Go's html/template does.</summary>
    public bool Html { get; init; }

    /// <summary>Longest output and longest string value, characters. Default 4 Mi.</summary>
    public int OutputCharsMax { get; init; } = 4 << 20;

    /// <summary>Nodes evaluated in one execution. Default one million.</summary>
    public int StepsMax { get; init; } = 1_000_000;

    /// <summary>Called every few steps; may throw <see cref="TemplateFunctionException"/> to end the execution. For one that must not run for long.</summary>
    public Action? Watch { get; init; }

    /// <summary>Templates that may be running inside one another. Default 200.</summary>
    public int DepthMax { get; init; } = 200;
}
