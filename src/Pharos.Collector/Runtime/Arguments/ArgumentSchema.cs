using Pharos.Collector.Evaluation;

namespace Pharos.Collector.Runtime;

internal enum ArgumentKind
{
    Text,
    Secret,
    Flag,
    Integer,
    Float,
    Duration,
    Size,
    List,
    Map,
    Target,
    Capsule,
    Any,
}

/// <summary>What values an argument takes.</summary>
/// <param name="Element">Of lists and maps.</param>
/// <param name="CapsuleKind">Of capsules.</param>
internal sealed record ArgumentType(ArgumentKind Kind, ArgumentType? Element = null, string CapsuleKind = "")
{
    public static ArgumentType Text { get; } = new(ArgumentKind.Text);
    public static ArgumentType Secret { get; } = new(ArgumentKind.Secret);
    public static ArgumentType Flag { get; } = new(ArgumentKind.Flag);
    public static ArgumentType Integer { get; } = new(ArgumentKind.Integer);
    public static ArgumentType Float { get; } = new(ArgumentKind.Float);
    public static ArgumentType Duration { get; } = new(ArgumentKind.Duration);
    public static ArgumentType Size { get; } = new(ArgumentKind.Size);
    public static ArgumentType Any { get; } = new(ArgumentKind.Any);
    public static ArgumentType Texts { get; } = new(ArgumentKind.List, Text);
    public static ArgumentType TextMap { get; } = new(ArgumentKind.Map, Text);
    public static ArgumentType Targets { get; } = new(ArgumentKind.List, new ArgumentType(ArgumentKind.Target));
    public static ArgumentType MetricsReceiver { get; } = new(ArgumentKind.Capsule, null, Capsules.Metrics);
    public static ArgumentType LogsReceiver { get; } = new(ArgumentKind.Capsule, null, Capsules.Logs);
    public static ArgumentType MetricsReceivers { get; } = new(ArgumentKind.List, MetricsReceiver);
    public static ArgumentType LogsReceivers { get; } = new(ArgumentKind.List, LogsReceiver);
    public static ArgumentType RelabelRules { get; } = new(ArgumentKind.Capsule, null, Capsules.Rules);

    /// <summary>The type as messages and pages name it.</summary>
    public string Name => Kind switch
    {
        ArgumentKind.Text => "string",
        ArgumentKind.Secret => "secret",
        ArgumentKind.Flag => "bool",
        ArgumentKind.Integer or ArgumentKind.Float => "number",
        ArgumentKind.Duration => "duration",
        ArgumentKind.Size => "size",
        ArgumentKind.List => $"list({Element!.Name})",
        ArgumentKind.Map => $"map({Element!.Name})",
        ArgumentKind.Target => "target",
        ArgumentKind.Capsule => CapsuleKind,
        _ => "any",
    };
}

/// <summary>Kinds of capsules, as messages name them.</summary>
internal static class Capsules
{
    public const string Metrics = "MetricsReceiver";
    public const string Logs = "LogsReceiver";
    public const string Rules = "RelabelRules";

    public static CapsuleValue Of(IMetricsReceiver receiver) => new(Metrics, receiver);

    public static CapsuleValue Of(ILogsReceiver receiver) => new(Logs, receiver);
}

/// <summary>One attribute that a body takes.</summary>
internal sealed record ArgumentAttribute(string Name, ArgumentType Type)
{
    public bool Required { get; init; }

    /// <summary>The value where none is given; null: the zero value of the type.</summary>
    public Value? Default { get; init; }

    /// <summary>What it does, in a sentence for the reference page; may be empty.</summary>
    public string About { get; init; } = "";

    /// <summary>Why it is refused though upstream has it; null where it works.</summary>
    public string? Refused { get; init; }

    /// <summary>The only texts allowed; empty for any.</summary>
    public IReadOnlyList<string> OneOf { get; init; } = [];
}

/// <summary>One nested block that a body takes.</summary>
internal sealed record ArgumentBlock(string Name, ArgumentBody Body)
{
    /// <summary>It may be given any number of times; their order counts.</summary>
    public bool Repeats { get; init; }

    public string About { get; init; } = "";

    /// <inheritdoc cref="ArgumentAttribute.Refused"/>
    public string? Refused { get; init; }
}

/// <summary>What a block may hold: the one definition that checking, decoding and the reference pages use.</summary>
internal sealed record ArgumentBody(IReadOnlyList<ArgumentAttribute> Attributes, IReadOnlyList<ArgumentBlock> Blocks)
{
    public static ArgumentBody Empty { get; } = new([], []);

    /// <summary>Any attribute, no blocks: what <c>declare</c> bodies check later.</summary>
    public bool Open { get; init; }

    public ArgumentAttribute? Attribute(string name) => Attributes.FirstOrDefault(a => a.Name == name);

    public ArgumentBlock? Block(string name) => Blocks.FirstOrDefault(b => b.Name == name);
}

/// <summary>Short spellings for schemas.</summary>
internal static class Schema
{
    public static ArgumentBody Body(params IReadOnlyList<object> parts) => new(
        [.. parts.SelectMany(Flatten).OfType<ArgumentAttribute>()], [.. parts.SelectMany(Flatten).OfType<ArgumentBlock>()]);

    public static ArgumentAttribute Must(string name, ArgumentType type, string about = "") => new(name, type) { Required = true, About = about };

    public static ArgumentAttribute May(string name, ArgumentType type, string about = "") => new(name, type) { About = about };

    public static ArgumentAttribute May(string name, ArgumentType type, string fallback, string about) => new(name, type) { Default = Value.Of(fallback), About = about };

    public static ArgumentAttribute May(string name, ArgumentType type, long fallback, string about) => new(name, type) { Default = Value.Of(fallback), About = about };

    public static ArgumentAttribute May(string name, ArgumentType type, double fallback, string about) => new(name, type) { Default = Value.Of(fallback), About = about };

    public static ArgumentAttribute May(string name, bool fallback, string about) => new(name, ArgumentType.Flag) { Default = Value.Of(fallback), About = about };

    public static ArgumentAttribute OneOf(string name, string fallback, params string[] texts) =>
        new(name, ArgumentType.Text) { Default = Value.Of(fallback), OneOf = texts };

    /// <summary>Upstream takes it; here it is refused with the reason.</summary>
    public static ArgumentAttribute Refuse(string name, string reason) => new(name, ArgumentType.Any) { Refused = reason };

    public static ArgumentBlock RefuseBlock(string name, string reason) => new(name, ArgumentBody.Empty) { Refused = reason, Repeats = true };

    public static ArgumentBlock One(string name, params IReadOnlyList<object> parts) => new(name, Body(parts));

    public static ArgumentBlock Many(string name, params IReadOnlyList<object> parts) => new(name, Body(parts)) { Repeats = true };

    private static IEnumerable<object> Flatten(object part) => part is IEnumerable<object> list ? list.SelectMany(Flatten) : [part];
}
