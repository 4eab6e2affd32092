using System.Buffers;
using Pharos.Collector.Evaluation;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Runtime;

/// <param name="Type">As the reference page names it.</param>
internal sealed record ComponentExport(string Name, string Type, string About = "");

/// <summary>
/// One kind of component: the one definition that validation, decoding, building and the reference pages use.
/// </summary>
internal sealed record ComponentDescriptor
{
    /// <summary>For example <c>prometheus.scrape</c>.</summary>
    public required string Name { get; init; }

    public Stability Stability { get; init; } = Stability.GenerallyAvailable;

    /// <summary>One sentence for the reference page.</summary>
    public required string About { get; init; }

    public required ArgumentBody Arguments { get; init; }

    public IReadOnlyList<ComponentExport> Exports { get; init; } = [];

    /// <summary>Turns arguments into the options of the component. Opens nothing, starts nothing.</summary>
    /// <remarks>Throws <see cref="EvaluationException"/> for values that do not fit together.</remarks>
    public required Func<Arguments, object> Bind { get; init; }

    /// <summary>Makes a component that does nothing until it runs.</summary>
    public required Func<ComponentContext, ComponentServices, object, ComponentInstance> Create { get; init; }

    public static ComponentDescriptor Of<TOptions>(
        string name,
        string about,
        ArgumentBody arguments,
        IReadOnlyList<ComponentExport> exports,
        Func<Arguments, TOptions> bind,
        Func<ComponentContext, ComponentServices, TOptions, ComponentInstance> create,
        Stability stability = Stability.GenerallyAvailable)
        where TOptions : notnull => new()
        {
            Name = name,
            About = about,
            Arguments = arguments,
            Exports = exports,
            Stability = stability,
            Bind = a => bind(a),
            Create = (context, services, options) => create(context, services, (TOptions)options),
        };
}

/// <summary>What components share inside one collector.</summary>
internal sealed record ComponentServices
{
    public required HostFacts Facts { get; init; }

    /// <summary>Metrics of components that are scraped inside the process.</summary>
    public required InternalEndpoints Endpoints { get; init; }

    /// <summary>Writes the metrics of the collector and all its components.</summary>
    public required Action<IBufferWriter<byte>, ExpositionFormat> WriteMetrics { get; init; }
}
