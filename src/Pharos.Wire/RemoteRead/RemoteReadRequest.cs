using System.Text;
using Pharos.Core;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.RemoteRead;

/// <summary>How an answer travels. Values are those of the wire.</summary>
public enum RemoteReadType
{
    /// <summary>One <c>prometheus.ReadResponse</c>, in snappy.</summary>
    Samples = 0,

    /// <summary>Frames of <c>prometheus.ChunkedReadResponse</c>.</summary>
    StreamedXorChunks = 1,
}

/// <summary>One query of a request: series that match all matchers, and their samples in the range.</summary>
public sealed record RemoteReadQuery(TimeRange Range, IReadOnlyList<Matcher> Matchers, SelectHints Hints);

/// <summary>A <c>prometheus.ReadRequest</c>. Source: prometheus/prompb/remote.proto.</summary>
public sealed record RemoteReadRequest(IReadOnlyList<RemoteReadQuery> Queries, RemoteReadType Type)
{
    /// <param name="body">Unpacked.</param>
    /// <exception cref="WireFormatException">Not such a message; no response type that is spoken here; a matcher that is no matcher.</exception>
    public static RemoteReadRequest Decode(ReadOnlySpan<byte> body)
    {
        var queries = new List<RemoteReadQuery>();
        var accepted = new List<ulong>();
        var fields = new ProtoReader(body);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) queries.Add(Query(fields.Message()));
            else if (fields.Field == 2 && fields.Type == ProtoType.Varint) accepted.Add(fields.Varint());
            else if (fields.Is(2, ProtoType.Bytes))
            {
                var packed = fields.Message();
                while (!packed.AtEnd) accepted.Add(packed.Varint());
            }
            else fields.Skip();
        }
        if (accepted.Count == 0) return new RemoteReadRequest(queries, RemoteReadType.Samples);
        foreach (ulong type in accepted)
        {
            if (type <= (ulong)RemoteReadType.StreamedXorChunks) return new RemoteReadRequest(queries, (RemoteReadType)type);
        }
        throw new WireFormatException(WireErrorKind.Unsupported, $"server does not support any of the requested response types: {string.Join(", ", accepted)}; supported: SAMPLES (0), STREAMED_XOR_CHUNKS (1)");
    }

    /// <summary>Writes a request that takes either type of answer, chunks rather than samples.</summary>
    public static void Encode(ProtoBuffer to, RemoteReadQuery query)
    {
        int message = to.Begin(1);
        to.Field(1, query.Range.MinMs);
        to.Field(2, query.Range.MaxMs);
        foreach (var matcher in query.Matchers)
        {
            int open = to.Begin(3);
            to.Field(1, (ulong)matcher.Op);
            to.Field(2, matcher.Name);
            to.Field(3, matcher.Value);
            to.End(open);
        }
        int hints = to.Begin(4);
        to.Field(1, query.Hints.StepMs);
        to.Field(2, query.Hints.Function);
        to.Field(3, query.Range.MinMs);
        to.Field(4, query.Range.MaxMs);
        to.Field(7, query.Hints.RangeMs);
        to.End(hints);
        to.End(message);
        to.Field(2, [(byte)RemoteReadType.StreamedXorChunks, (byte)RemoteReadType.Samples]);
    }

    private static RemoteReadQuery Query(ProtoReader fields)
    {
        long start = 0, end = 0;
        var matchers = new List<Matcher>();
        var hints = SelectHints.None;
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Varint)) start = fields.Int64();
            else if (fields.Is(2, ProtoType.Varint)) end = fields.Int64();
            else if (fields.Is(3, ProtoType.Bytes)) matchers.Add(ReadMatcher(fields.Message()));
            else if (fields.Is(4, ProtoType.Bytes)) hints = Hints(fields.Message());
            else fields.Skip();
        }
        return new RemoteReadQuery(new TimeRange(start, end), matchers, hints);
    }

    private static Matcher ReadMatcher(ProtoReader fields)
    {
        int at = fields.Position;
        ulong type = 0;
        string name = "", value = "";
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Varint)) type = fields.Varint();
            else if (fields.Is(2, ProtoType.Bytes)) name = Encoding.UTF8.GetString(fields.Bytes());
            else if (fields.Is(3, ProtoType.Bytes)) value = Encoding.UTF8.GetString(fields.Bytes());
            else fields.Skip();
        }
        var op = type switch
        {
            0 => MatchOp.Equal,
            1 => MatchOp.NotEqual,
            2 => MatchOp.Regex,
            3 => MatchOp.NotRegex,
            _ => throw new WireFormatException($"{type} is no type of a matcher", at),
        };
        try
        {
            return new Matcher(op, name, value);
        }
        catch (FormatException e)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"the matcher of label {GoString.Quote(name)} is no valid expression: {e.Message}", e);
        }
    }

    private static SelectHints Hints(ProtoReader fields)
    {
        long step = 0, range = 0;
        string function = "";
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Varint)) step = fields.Int64();
            else if (fields.Is(2, ProtoType.Bytes)) function = Encoding.UTF8.GetString(fields.Bytes());
            else if (fields.Is(7, ProtoType.Varint)) range = fields.Int64();
            else fields.Skip();
        }
        return new SelectHints(step, function, range);
    }
}
