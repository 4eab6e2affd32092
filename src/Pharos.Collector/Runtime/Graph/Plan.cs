using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>One attempt to build a graph. What it makes is thrown away where the attempt fails.</summary>
internal sealed class Plan(GraphSettings settings, CancellationToken cancel)
{
    /// <summary>Modules that use modules can multiply without end; no real configuration comes near this.</summary>
    private const int NodesMax = 20_000;

    private int[] nodes = new int[1];
    private readonly List<Slot> created = [];

    public GraphSettings Settings => settings;

    public CancellationToken Cancel => cancel;

    public List<SyntaxDiagnostic> Findings { get; } = [];

    /// <summary>A failing node at the root keeps its last good state and the others go on; false: one failure fails the whole.</summary>
    public bool Isolate { get; init; }

    public void Created(Slot slot) => created.Add(slot);

    /// <summary>A part that may fail alone.</summary>
    public Plan Part() => new(settings, cancel) { nodes = nodes };

    /// <exception cref="EvaluationException">The configuration unfolds into too many blocks.</exception>
    public void Count(Node node)
    {
        if (++nodes[0] > NodesMax) throw new EvaluationException(node.Block.HeaderSpan, $"the configuration unfolds into more than {NodesMax} blocks");
    }

    public void Adopt(Plan part) => created.AddRange(part.created);

    public async ValueTask AbandonAsync()
    {
        foreach (var slot in created) await slot.StopAsync().ConfigureAwait(false);
        created.Clear();
    }
}
