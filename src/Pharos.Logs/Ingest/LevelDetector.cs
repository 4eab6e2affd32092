using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Logs.Ingest;

/// <summary>
/// Finds an entry's level, as Loki's level discovery does: labels and metadata by name, OTLP severity numbers,
/// then JSON or logfmt fields of the line, then a word in its text. Allocates nothing.
/// </summary>
internal static class LevelDetector
{
    public const string Label = "detected_level";

    public static ReadOnlySpan<byte> LabelName => "detected_level"u8;

    private static readonly byte[][] FieldNames =
    [
        "level"u8.ToArray(), "LEVEL"u8.ToArray(), "Level"u8.ToArray(), "log.level"u8.ToArray(), "severity"u8.ToArray(), "SEVERITY"u8.ToArray(),
        "Severity"u8.ToArray(), "SeverityText"u8.ToArray(), "lvl"u8.ToArray(), "LVL"u8.ToArray(), "Lvl"u8.ToArray(), "severity_text"u8.ToArray(),
        "Severity_Text"u8.ToArray(), "SEVERITY_TEXT"u8.ToArray(),
    ];

    private static readonly SearchValues<byte> LeftBoundaries = SearchValues.Create(" \t\n[({\"'=|"u8);
    private static readonly SearchValues<byte> RightBoundaries = SearchValues.Create(" \t\n[({\"'=|])}:,!"u8);

    private static ReadOnlySpan<byte> Unknown => "unknown"u8;

    /// <summary>The level of a stream whose labels name one; empty where they do not.</summary>
    public static ReadOnlySpan<byte> OfLabels(ReadOnlySpan<byte> labels) => OfNamed(labels);

    /// <summary>The level to store: a constant, or a part of the arguments.</summary>
    /// <param name="streamLevel">What <see cref="OfLabels"/> gave.</param>
    public static ReadOnlySpan<byte> Detect(ReadOnlySpan<byte> streamLevel, ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> line)
    {
        if (TryGet(metadata, LabelName, out var own)) return Normal(own, out _);
        if (!streamLevel.IsEmpty) return streamLevel;
        if (!metadata.IsEmpty)
        {
            var named = OfNamed(metadata);
            if (!named.IsEmpty) return named;
            if (TryGet(metadata, "severity_number"u8, out var number))
            {
                var severity = OfSeverity(number);
                if (!severity.IsEmpty) return severity;
            }
        }
        return OfLine(line);
    }

    private static ReadOnlySpan<byte> OfLine(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> found = default;
        var trimmed = line.Trim(" \t\r\n"u8);
        if (trimmed.Length > 1 && trimmed[0] == '{' && trimmed[^1] == '}') found = MayHaveLevelKey(trimmed) ? OfJson(trimmed) : default;
        else if (line.Contains((byte)'=')) found = OfLogfmt(line);
        if (!found.IsEmpty)
        {
            var normal = Normal(found, out bool known);
            if (known) return normal;
        }
        return OfText(line);
    }

    private static ReadOnlySpan<byte> OfNamed(ReadOnlySpan<byte> canonical)
    {
        foreach (byte[] name in FieldNames)
        {
            if (TryGet(canonical, name, out var value)) return Normal(value, out _);
        }
        return default;
    }

    private static ReadOnlySpan<byte> OfSeverity(ReadOnlySpan<byte> number)
    {
        if (!System.Buffers.Text.Utf8Parser.TryParse(number, out int severity, out int used) || used != number.Length) return default;
        return severity switch
        {
            0 => Unknown,
            >= 1 and <= 4 => "trace"u8,
            >= 5 and <= 8 => "debug"u8,
            >= 9 and <= 12 => "info"u8,
            >= 13 and <= 16 => "warn"u8,
            >= 17 and <= 20 => "error"u8,
            >= 21 and <= 24 => "fatal"u8,
            _ => default,
        };
    }

    /// <summary>Whether an end of one of <see cref="FieldNames"/> stands in a line: each of them has one <c>v</c>, of which lines have few.</summary>
    private static bool MayHaveLevelKey(ReadOnlySpan<byte> json)
    {
        for (int at = 1; at < json.Length; at++)
        {
            int hit = json[at..].IndexOfAny((byte)'v', (byte)'V');
            if (hit < 0) return false;
            at += hit;
            var rest = json[(at + 1)..];
            bool ends = (json[at - 1], json[at]) switch
            {
                ((byte)'e', (byte)'v') => rest.StartsWith("el\""u8) || rest.StartsWith("erity"u8),
                ((byte)'E', (byte)'V') => rest.StartsWith("EL\""u8) || rest.StartsWith("ERITY"u8),
                ((byte)'l' or (byte)'L', (byte)'v') => rest.StartsWith("l\""u8),
                ((byte)'L', (byte)'V') => rest.StartsWith("L\""u8),
                _ => false,
            };
            if (ends) return true;
        }
        return false;
    }

    private static ReadOnlySpan<byte> OfJson(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> found = default;
        int rank = FieldNames.Length;
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 64 });
        try
        {
            while (rank > 0 && reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth > 2) continue;
                int hit = IndexOf(reader.ValueSpan, rank, exact: true);
                if (!reader.Read()) break;
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= 2) reader.TrySkip();
                else if (hit >= 0 && reader.TokenType == JsonTokenType.String)
                {
                    found = line.Slice((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
                    rank = hit;
                }
            }
        }
        catch (JsonException)
        {
            // Not JSON after all; what was found so far counts.
        }
        return found;
    }

    private static ReadOnlySpan<byte> OfLogfmt(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> found = default;
        int rank = FieldNames.Length;
        int at = 0;
        while (rank > 0)
        {
            int equals = line[at..].IndexOf((byte)'=');
            if (equals < 0) break;
            equals += at;
            int keyFrom = equals;
            while (keyFrom > at && line[keyFrom - 1] is not ((byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'"')) keyFrom--;
            int valueFrom = equals + 1, valueTo;
            if (valueFrom < line.Length && line[valueFrom] == '"')
            {
                valueFrom++;
                valueTo = valueFrom;
                while (valueTo < line.Length && line[valueTo] != '"') valueTo += line[valueTo] == '\\' ? 2 : 1;
                valueTo = Math.Min(valueTo, line.Length);
            }
            else
            {
                int space = line[valueFrom..].IndexOfAny((byte)' ', (byte)'\t', (byte)'\n');
                valueTo = space < 0 ? line.Length : valueFrom + space;
            }
            int hit = IndexOf(line[keyFrom..equals], rank, exact: false);
            if (hit >= 0 && valueTo > valueFrom)
            {
                found = line[valueFrom..valueTo];
                rank = hit;
            }
            at = Math.Min(line.Length, Math.Max(valueTo, equals + 1));
        }
        return found;
    }

    private static ReadOnlySpan<byte> OfText(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty) return Unknown;
        if (LevelAt(line, 0) is { IsEmpty: false } first) return first;
        // A level word begins with one of a few letters, and stands after a boundary: nothing else is looked at.
        int at = 1;
        for (; at + Vector256<byte>.Count <= line.Length; at += Vector256<byte>.Count)
        {
            var letters = Vector256.Create(line.Slice(at, Vector256<byte>.Count)) | Vector256.Create((byte)0x20);
            uint hits = (Is(letters, 't') | Is(letters, 'd') | Is(letters, 'f') | Is(letters, 'c') | Is(letters, 'i') | Is(letters, 'e') | Is(letters, 'w')).ExtractMostSignificantBits();
            if (hits == 0) continue;
            var before = Vector256.Create(line.Slice(at - 1, Vector256<byte>.Count));
            hits &= (Is(before, ' ') | Is(before, '\t') | Is(before, '\n') | Is(before, '[') | Is(before, '(') | Is(before, '{') | Is(before, '"') | Is(before, '\'') | Is(before, '=') | Is(before, '|'))
                .ExtractMostSignificantBits();
            for (; hits != 0; hits &= hits - 1)
            {
                var level = LevelAt(line, at + BitOperations.TrailingZeroCount(hits));
                if (!level.IsEmpty) return level;
            }
        }
        for (; at < line.Length; at++)
        {
            if (!LeftBoundaries.Contains(line[at - 1])) continue;
            var level = LevelAt(line, at);
            if (!level.IsEmpty) return level;
        }
        return Unknown;
    }

    private static Vector256<byte> Is(Vector256<byte> bytes, char c) => Vector256.Equals(bytes, Vector256.Create((byte)c));

    /// <summary>The level whose word stands at a place, up to a boundary; empty for none.</summary>
    private static ReadOnlySpan<byte> LevelAt(ReadOnlySpan<byte> line, int at)
    {
        var (word, level) = Candidate(line[at..]);
        return word > 0 && (at + word == line.Length || RightBoundaries.Contains(line[at + word])) ? LevelBytes(level) : default;
    }

    /// <summary>Length of a level word that the text starts with, whatever follows it; 0 for none.</summary>
    private static (int Length, int Level) Candidate(ReadOnlySpan<byte> text)
    {
        switch (text[0] | 0x20)
        {
            case 't': return Starts(text, "trace"u8) ? (5, 0) : default;
            case 'd': return Starts(text, "debug"u8) ? (5, 1) : default;
            case 'f': return Starts(text, "fatal"u8) ? (5, 5) : default;
            case 'c': return Starts(text, "critical"u8) ? (8, 6) : default;
            case 'i': return Starts(text, "info"u8) ? (4, 2) : default;
            case 'e': return Starts(text, "error"u8) ? (5, 4) : Starts(text, "err"u8) ? (3, 4) : default;
            case 'w': return Starts(text, "warning"u8) ? (7, 3) : Starts(text, "warn"u8) ? (4, 3) : default;
            default: return default;
        }
    }

    private static bool Starts(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);

    private static ReadOnlySpan<byte> LevelBytes(int level) => level switch
    {
        0 => "trace"u8,
        1 => "debug"u8,
        2 => "info"u8,
        3 => "warn"u8,
        4 => "error"u8,
        5 => "fatal"u8,
        _ => "critical"u8,
    };

    private static ReadOnlySpan<byte> Normal(ReadOnlySpan<byte> value, out bool known)
    {
        known = true;
        if (Is(value, "trace"u8) || Is(value, "trc"u8)) return "trace"u8;
        if (Is(value, "debug"u8) || Is(value, "dbg"u8)) return "debug"u8;
        if (Is(value, "info"u8) || Is(value, "inf"u8) || Is(value, "information"u8)) return "info"u8;
        if (Is(value, "warn"u8) || Is(value, "wrn"u8) || Is(value, "warning"u8)) return "warn"u8;
        if (Is(value, "error"u8) || Is(value, "err"u8)) return "error"u8;
        if (Is(value, "critical"u8)) return "critical"u8;
        if (Is(value, "fatal"u8)) return "fatal"u8;
        known = false;
        return value;
    }

    private static bool Is(ReadOnlySpan<byte> value, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(value, word);

    private static int IndexOf(ReadOnlySpan<byte> name, int before, bool exact)
    {
        if (name.IsEmpty || (name[0] | 0x20) is not ('l' or 's')) return -1;
        for (int i = 0; i < before; i++)
        {
            if (exact ? name.SequenceEqual(FieldNames[i]) : System.Text.Ascii.EqualsIgnoreCase(name, FieldNames[i])) return i;
        }
        return -1;
    }

    /// <summary>The canonical bytes of an entry's <c>detected_level</c> alone; empty where it has none.</summary>
    public static ReadOnlySpan<byte> PairOf(ReadOnlySpan<byte> metadata)
    {
        for (int at = 0; at < metadata.Length;)
        {
            int from = at;
            bool found = LabelCodec.ReadString(metadata, ref at).SequenceEqual(LabelName);
            LabelCodec.ReadString(metadata, ref at);
            if (found) return metadata[from..at];
        }
        return default;
    }

    private static bool TryGet(ReadOnlySpan<byte> canonical, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        for (int at = 0; at < canonical.Length;)
        {
            var key = LabelCodec.ReadString(canonical, ref at);
            value = LabelCodec.ReadString(canonical, ref at);
            if (key.SequenceEqual(name)) return true;
        }
        value = default;
        return false;
    }
}
