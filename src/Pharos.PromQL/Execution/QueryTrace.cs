using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Where the time of one evaluation goes, by parts of the query. Watched on the query's own thread alone.</summary>
internal sealed class QueryTrace(TimeProvider time)
{
    private readonly Dictionary<Expr, Node> nodes = [];

    /// <summary>Evaluates a part; its time, and that of every series it hands out, is counted for it.</summary>
    public IEnumerable<Column> Watch(Expr expr, Func<IEnumerable<Column>> evaluate)
    {
        if (!nodes.TryGetValue(expr, out var node)) nodes.Add(expr, node = new Node());
        long began = time.GetTimestamp();
        var columns = evaluate();
        node.Time += time.GetElapsedTime(began);
        return Timed(node, columns);
    }

    /// <summary>The whole query as a tree.</summary>
    /// <param name="usage">What a selector read; null for other parts.</param>
    public TraceNode Tree(Expr expr, string query, Func<Expr, SelectorUsage?> usage)
    {
        var children = expr is MatrixSelector ? [] : expr.Children.Select(c => Tree(c, query, usage)).ToArray();
        var node = nodes.GetValueOrDefault(expr);
        var read = usage(expr);
        double seconds = node?.Time.TotalSeconds ?? children.Sum(c => c.Seconds);
        return new TraceNode(
            expr.ToString(), SourcePosition.At(query, expr.Span.Start), seconds, Math.Max(0, seconds - children.Sum(c => c.Seconds)),
            node?.Series ?? read?.Series ?? 0, read?.Series ?? 0, read?.Samples ?? 0, read?.Bytes ?? 0, children);
    }

    private IEnumerable<Column> Timed(Node node, IEnumerable<Column> columns)
    {
        using var each = columns.GetEnumerator();
        while (true)
        {
            long began = time.GetTimestamp();
            bool more = each.MoveNext();
            node.Time += time.GetElapsedTime(began);
            if (!more) yield break;
            node.Series++;
            yield return each.Current;
        }
    }

    private sealed class Node
    {
        public TimeSpan Time { get; set; }
        public long Series { get; set; }
    }
}

/// <summary>What one selector (or sub-query) of a query read. Counted by several threads.</summary>
internal sealed class SelectorUsage(Expr selector)
{
    private long series;
    private long samples;
    private long bytes;

    public Expr Selector { get; } = selector;
    public long Series => Interlocked.Read(ref series);
    public long Samples => Interlocked.Read(ref samples);

    /// <summary>Of the samples and of the series' names, bytes, all added up whether or not they were in memory together.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    public void Add(long moreSeries, long moreSamples, long moreBytes)
    {
        if (moreSeries != 0) Interlocked.Add(ref series, moreSeries);
        Interlocked.Add(ref samples, moreSamples);
        Interlocked.Add(ref bytes, moreBytes);
    }
}
