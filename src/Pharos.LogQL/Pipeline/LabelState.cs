using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>
/// The labels of the line in hand, in three layers: stream, structured metadata, and what stages parsed or set, which wins.
/// One for a whole query; <see cref="Reset"/> starts a line.
/// </summary>
internal sealed class LabelState
{
    public const string ExtractedSuffix = "_extracted";
    public const string ErrorLabel = "__error__";
    public const string ErrorDetailsLabel = "__error_details__";

    private readonly Dictionary<Labels, StreamInfo> streams = new(ReferenceEqualityComparer.Instance);
    private readonly List<ParsedLabel> parsed = [];
    private readonly List<string> removed = [];
    private readonly List<(string Name, string Value)> stored = [];

    public StreamInfo Stream { get; private set; } = null!;

    public MetadataInfo Metadata { get; private set; } = null!;

    public IEnumerable<(string Name, string Value)> Parsed => parsed.Select(p => (p.Name, p.Value));

    public string Error { get; private set; } = "";

    public string ErrorDetails { get; private set; } = "";

    public bool HasError => Error.Length > 0;

    public void Reset(Labels stream, ReadOnlySpan<byte> metadata)
    {
        if (!ReferenceEquals(Stream?.Labels, stream))
        {
            if (!streams.TryGetValue(stream, out var info)) streams[stream] = info = new StreamInfo(stream);
            Stream = info;
        }
        Metadata = Stream!.Metadata(metadata);
        if (parsed.Count > 0) parsed.Clear();
        if (removed.Count > 0) removed.Clear();
        Error = ErrorDetails = "";
    }

    /// <summary>The label's value; null where it is absent, which differs from empty.</summary>
    public string? Get(string name)
    {
        foreach (ref var pair in CollectionsMarshal.AsSpan(parsed))
        {
            if (pair.Name == name) return pair.Value;
        }
        if (name.StartsWith("__error", StringComparison.Ordinal))
        {
            if (name == ErrorLabel) return HasError ? Error : null;
            if (name == ErrorDetailsLabel) return ErrorDetails.Length > 0 ? ErrorDetails : null;
        }
        if (removed.Contains(name)) return null;
        foreach (var pair in Metadata.Pairs)
        {
            if (pair.Name == name) return pair.Value;
        }
        foreach (var pair in Stream.Pairs)
        {
            if (pair.Name == name) return pair.Value;
        }
        return null;
    }

    /// <summary>Whether the stream or the metadata had this label before any stage.</summary>
    public bool IsTaken(string name) => Metadata.Has(name) || Stream.Has(name);

    public bool IsParsed(string name)
    {
        foreach (var pair in parsed)
        {
            if (pair.Name == name) return true;
        }
        return false;
    }

    /// <summary>A label that a parser found: it gets another name where the stream or metadata has it, and the first value stays.</summary>
    public void Extract(string name, string value)
    {
        if (IsTaken(name)) name += ExtractedSuffix;
        if (!IsParsed(name)) parsed.Add(new ParsedLabel(name, value));
    }

    /// <summary>The same for a field that the store knows; its text is made when it is asked for.</summary>
    public void Extract(string name, LogFieldColumn column, int row)
    {
        if (IsTaken(name)) name += ExtractedSuffix;
        if (!IsParsed(name)) parsed.Add(new ParsedLabel(name, column, row));
    }

    /// <summary>The number of the label's value in a dictionary of the store's; false where it has none.</summary>
    public bool TryGetId(string name, [NotNullWhen(true)] out LogFieldColumn? column, out int id)
    {
        foreach (var pair in parsed)
        {
            if (pair.Name == name) return pair.TryGetId(out column, out id);
        }
        column = null;
        id = 0;
        return false;
    }

    public void Set(string name, string value)
    {
        for (int i = 0; i < parsed.Count; i++)
        {
            if (parsed[i].Name != name) continue;
            parsed[i] = new ParsedLabel(name, value);
            return;
        }
        parsed.Add(new ParsedLabel(name, value));
    }

    public void Remove(string name)
    {
        if (name == ErrorLabel)
        {
            Error = "";
            return;
        }
        if (name == ErrorDetailsLabel)
        {
            ErrorDetails = "";
            return;
        }
        parsed.RemoveAll(p => p.Name == name);
        if (!removed.Contains(name)) removed.Add(name);
    }

    public void Fail(string error, string details)
    {
        Error = error;
        ErrorDetails = details;
    }

    /// <summary>All labels as they stand, in no order; the error labels among them.</summary>
    public void CopyTo(List<(string Name, string Value)> all)
    {
        all.Clear();
        CopyLayer(Stream.Pairs, all, belowMetadata: true);
        CopyLayer(Metadata.Pairs, all, belowMetadata: false);
        foreach (ref var label in CollectionsMarshal.AsSpan(parsed)) all.Add((label.Name, label.Value));
        AddErrors(all);
    }

    /// <summary>The same; no text is made of values that the store keeps.</summary>
    public void CopyTo(List<ParsedLabel> all)
    {
        all.Clear();
        stored.Clear();
        CopyLayer(Stream.Pairs, stored, belowMetadata: true);
        CopyLayer(Metadata.Pairs, stored, belowMetadata: false);
        AddErrors(stored);
        foreach (var (name, value) in stored) all.Add(new ParsedLabel(name, value));
        all.AddRange(parsed);
    }

    /// <summary>The stream's layer as it stands.</summary>
    public Labels StreamLabels()
    {
        if (removed.Count == 0 && parsed.Count == 0) return Stream.Labels;
        var left = new List<(string, string)>();
        CopyLayer(Stream.Pairs, left, belowMetadata: true);
        return LabelEncoding.ToLabels(left);
    }

    /// <summary>The metadata's layer as it stands.</summary>
    public Labels MetadataLabels()
    {
        var left = new List<(string, string)>();
        CopyLayer(Metadata.Pairs, left, belowMetadata: false);
        return LabelEncoding.ToLabels(left);
    }

    /// <summary>The layer of what stages parsed or set, the error labels among them.</summary>
    public Labels ParsedLabels()
    {
        var all = new List<(string, string)>(Parsed);
        AddErrors(all);
        return LabelEncoding.ToLabels(all);
    }

    private void AddErrors(List<(string Name, string Value)> all)
    {
        if (HasError) all.Add((ErrorLabel, Error));
        if (ErrorDetails.Length > 0) all.Add((ErrorDetailsLabel, ErrorDetails));
    }

    private void CopyLayer((string Name, string Value)[] layer, List<(string Name, string Value)> into, bool belowMetadata)
    {
        foreach (var pair in layer)
        {
            if (removed.Contains(pair.Name) || IsParsed(pair.Name)) continue;
            if (belowMetadata && Metadata.Has(pair.Name)) continue;
            into.Add(pair);
        }
    }
}
