namespace Pharos.Yaml;

public enum YamlKind
{
    Scalar,
    Sequence,
    Mapping,
}

/// <summary>How a scalar is written.</summary>
public enum YamlStyle
{
    Plain,
    Quoted,

    /// <summary>After a <c>|</c>: a line of the text is a line of the value.</summary>
    Literal,
    Folded,
}

/// <summary>A node of a YAML document with its place. An alias is the node that it names.</summary>
public sealed class YamlNode
{
    public required YamlKind Kind { get; init; }

    /// <summary>Line and column count from 1.</summary>
    public int Line { get; init; }
    public int Column { get; init; }

    /// <summary>Text of a scalar; empty for the other kinds.</summary>
    public string Value { get; init; } = "";
    public YamlStyle Style { get; init; }

    /// <summary>Where a scalar stands in <see cref="YamlReading.Text"/>, characters, half-open.</summary>
    public (int Start, int End) Extent { get; init; }

    public IReadOnlyList<YamlNode> Items { get; init; } = [];
    public IReadOnlyList<(YamlNode Key, YamlNode Value)> Pairs { get; init; } = [];

    /// <summary>Written without quotes and meaning nothing: <c>null</c>, <c>~</c> or empty.</summary>
    public bool IsNull => Kind == YamlKind.Scalar && Style == YamlStyle.Plain && Value is "" or "~" or "null" or "Null" or "NULL";
}
