using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>Names that a body knows.</summary>
/// <param name="lexical">Where declarations are looked for next.</param>
/// <param name="outer">Where components are looked for next: a foreach template sees what is around it, a module does not.</param>
internal sealed class ValidationScope(ValidationScope? lexical, ValidationScope? outer)
{
    public Dictionary<string, (BlockStatement Block, ValidationScope Scope)> Declares { get; } = new(StringComparer.Ordinal);
    public HashSet<string> Imports { get; } = new(StringComparer.Ordinal);
    public HashSet<string> Arguments { get; } = new(StringComparer.Ordinal);
    public HashSet<string> Variables { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, BlockStatement> Nodes { get; } = new(StringComparer.Ordinal);

    public ValidationScope? Outer => outer;

    public (BlockStatement Block, ValidationScope Scope)? FindDeclare(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Lexical)
        {
            if (scope.Declares.TryGetValue(name, out var found)) return found;
        }
        return null;
    }

    private ValidationScope? Lexical => lexical;

    /// <summary>The name starts with the label of an import.</summary>
    public bool IsImported(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return false;
        for (var scope = this; scope is not null; scope = scope.Lexical)
        {
            if (scope.Imports.Contains(name[..dot])) return true;
        }
        return false;
    }

    public bool HasArgument(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.Arguments.Contains(name)) return true;
        }
        return false;
    }

    /// <summary>The component that the longest possible start of a path names.</summary>
    /// <param name="own">It is in this very body.</param>
    public BlockStatement? Find(IReadOnlyList<string> path, out string id, out bool own)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            for (int length = path.Count; length > 0; length--)
            {
                id = string.Join('.', path.Take(length));
                if (!scope.Nodes.TryGetValue(id, out var node)) continue;
                own = scope == this;
                return node;
            }
        }
        id = "";
        own = false;
        return null;
    }
}

/// <summary>Strongly connected parts of a small graph.</summary>
internal static class Components
{
    /// <summary>Groups of nodes that reach each other, and single nodes that reach themselves, in the order of the nodes.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> OfCycles(IReadOnlyDictionary<string, HashSet<string>> edges)
    {
        var groups = new List<IReadOnlyList<string>>();
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        var low = new Dictionary<string, int>(StringComparer.Ordinal);
        var open = new Stack<string>();
        var onStack = new HashSet<string>(StringComparer.Ordinal);
        foreach (string root in edges.Keys)
        {
            if (!index.ContainsKey(root)) Visit(root);
        }
        return groups;

        // Tarjan's algorithm with its own stack: a chain of components may be longer than the thread's stack allows.
        void Visit(string root)
        {
            var work = new Stack<(string Node, IEnumerator<string> Next)>();
            Enter(root);
            while (work.Count > 0)
            {
                var (node, next) = work.Peek();
                if (next.MoveNext())
                {
                    string to = next.Current;
                    if (!edges.ContainsKey(to)) continue;
                    if (!index.TryGetValue(to, out int at)) Enter(to);
                    else if (onStack.Contains(to)) low[node] = Math.Min(low[node], at);
                    continue;
                }
                work.Pop();
                if (work.Count > 0) low[work.Peek().Node] = Math.Min(low[work.Peek().Node], low[node]);
                if (low[node] != index[node]) continue;
                var group = new List<string>();
                string member;
                do
                {
                    member = open.Pop();
                    onStack.Remove(member);
                    group.Add(member);
                }
                while (member != node);
                group.Reverse();
                if (group.Count > 1 || edges[node].Contains(node)) groups.Add(group);
            }

            void Enter(string node)
            {
                index[node] = low[node] = index.Count;
                open.Push(node);
                onStack.Add(node);
                work.Push((node, edges[node].GetEnumerator()));
            }
        }
    }
}
