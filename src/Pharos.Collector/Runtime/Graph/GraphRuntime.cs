using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Runtime;

/// <summary>What a graph gets from its surroundings.</summary>
internal sealed record GraphSettings
{
    public required ComponentRegistry Registry { get; init; }

    public required IReadOnlyDictionary<string, ComponentDescriptor> Imports { get; init; }

    public required StandardLibrary Library { get; init; }

    public required Stability Minimum { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    public required ComponentServices Services { get; init; }

    /// <summary>Makes the surroundings of a component from its whole id.</summary>
    public required Func<string, ComponentContext> ContextFor { get; init; }

    /// <summary>Refuses settings that do not fit together, by <see cref="EvaluationException"/>.</summary>
    public Action<string, Arguments> CheckSetting { get; init; } = (_, _) => { };
}

/// <summary>
/// A running configuration. A load builds a whole new graph beside the running one, hands it the running components whose ids stay,
/// and only then makes it the running one; a load that fails changes nothing.
/// </summary>
internal sealed class GraphRuntime(GraphSettings settings, Action<string, Arguments?>? settingChanged = null)
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly ConcurrentQueue<Node> changed = new();
    private readonly ConcurrentDictionary<Node, Node> represented = new();
    private volatile Module? root;

    /// <summary>The graph that runs; null before the first load.</summary>
    public Module? Root => root;

    public GraphSettings Settings => settings;

    /// <summary>Loads a configuration.</summary>
    /// <param name="isolate">
    /// Blocks at the root that fail keep their last good state, and the others load; the findings come back.
    /// Otherwise one failure fails all.
    /// </param>
    /// <returns>What was wrong, with <paramref name="isolate"/>; warnings.</returns>
    /// <exception cref="SyntaxException">Nothing was loaded; holds every finding.</exception>
    public async Task<IReadOnlyList<SyntaxDiagnostic>> LoadAsync(IReadOnlyList<SourceText> sources, string folder, bool isolate, CancellationToken cancel)
    {
        var parsed = sources.Select(Parser.ParseFile).ToList();
        var findings = parsed.SelectMany(p => p.Findings).ToList();
        if (parsed.Any(p => p.HasErrors)) throw new SyntaxException(findings);
        IReadOnlyList<Statement> body = [.. parsed.SelectMany(p => p.Tree.Body)];
        findings.AddRange(StaticValidator.Validate(body, settings.Registry, settings.Library, settings.Minimum, BodyKind.Root));
        if (findings.Exists(f => f.Severity == Severity.Error))
        {
            if (!isolate) throw new SyntaxException(findings);
            body = WithoutFaults(body, findings);
        }
        await turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var plan = new Plan(settings, cancel) { Isolate = isolate };
            var next = new Module(settings, "", BodyKind.Root, body) { SourceFolder = folder };
            try
            {
                await next.BuildAsync(plan, root).ConfigureAwait(false);
            }
            catch
            {
                await plan.AbandonAsync().ConfigureAwait(false);
                throw;
            }
            findings.AddRange(plan.Findings);
            var old = root;
            var running = (old?.Slots() ?? []).ToHashSet();
            int stopped = await StopMissingAsync(old is null ? [] : [old], [next]).ConfigureAwait(false);
            represented.Clear();
            foreach (var gone in (old?.Nodes.Values ?? []).OfType<SettingNode>().Where(n => !next.Nodes.ContainsKey(n.Id))) SettingChanged(gone.Block.Name, null);
            root = next;
            next.Commit(this);
            RuntimeLog.Loaded(settings.Logger, next.Slots().Count(), next.Slots().Count(s => !running.Contains(s)), stopped);
            await DrainAsync().ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
        KickDrain();
        return findings;
    }

    /// <summary>Stops all components. The graph can be loaded again.</summary>
    public async Task StopAsync()
    {
        await turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var old = root;
            root = null;
            if (old is null) return;
            await StopMissingAsync([old], []).ConfigureAwait(false);
            foreach (var gone in old.Nodes.Values.OfType<SettingNode>()) SettingChanged(gone.Block.Name, null);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Says that a node's value has changed: what uses it is computed again.</summary>
    public void Notify(Node node)
    {
        changed.Enqueue(represented.GetValueOrDefault(node, node));
        KickDrain();
    }

    /// <summary>Changes of one node count as changes of another, which it is a part of.</summary>
    public void Represent(Node part, Node whole) => represented[part] = whole;

    public void SettingChanged(string name, Arguments? arguments) => settingChanged?.Invoke(name, arguments);

    /// <summary>Waits until no change is left to be worked on.</summary>
    public async Task SettleAsync()
    {
        await turn.WaitAsync().ConfigureAwait(false);
        try
        {
            await DrainAsync().ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    internal static async Task<int> StopMissingAsync(IReadOnlyList<Module> old, IReadOnlyList<Module> next)
    {
        var kept = next.SelectMany(m => m.Slots()).ToHashSet();
        var gone = old.SelectMany(m => m.Slots()).Where(s => !kept.Contains(s)).Reverse().ToList();
        // Senders before the receivers that they use: what a sender still holds has somewhere to go.
        foreach (var slot in gone) await slot.StopAsync().ConfigureAwait(false);
        return gone.Count;
    }

    /// <summary>Blocks at the root without an error inside them, nor inside a module that they are a use of.</summary>
    private static List<Statement> WithoutFaults(IReadOnlyList<Statement> body, List<SyntaxDiagnostic> findings)
    {
        var errors = findings.Where(f => f.Severity == Severity.Error).ToList();
        var bad = body.Where(s => errors.Exists(e => e.Span.Source == s.Span.Source && e.Span.Start >= s.Span.Start && e.Span.Start < s.Span.End)).ToHashSet();
        var badNames = bad.OfType<BlockStatement>().Where(b => b.Name == "declare").Select(b => b.Label).ToHashSet();
        // A use of a faulty module stays, so that its last good state can go on; it finds its definition missing.
        return [.. body.Where(s => !bad.Contains(s) || (s is BlockStatement b && badNames.Contains(b.Name)))];
    }

    /// <summary>Works off the changes on this thread, unless another one is at it.</summary>
    private void KickDrain()
    {
        while (!changed.IsEmpty && turn.Wait(0))
        {
            var work = DrainAsync();
            if (!work.IsCompleted)
            {
                _ = FinishAsync(work);
                return;
            }
            turn.Release();
        }
    }

    private async Task FinishAsync(Task work)
    {
        await work.ConfigureAwait(false);
        turn.Release();
        KickDrain();
    }

    private async Task DrainAsync()
    {
        while (changed.TryDequeue(out var node))
        {
            if (!Lives(node)) continue;
            // A node with modules inside changes when they do, whatever else it depends on.
            if (node is ImportNode)
            {
                await ReevaluateAsync(node).ConfigureAwait(false);
                // What an import imports is a part of it.
                if (node.Module.Owner is ImportNode around) changed.Enqueue(around);
            }
            foreach (var dependant in node.Dependants.ToList())
            {
                if (await ReevaluateAsync(dependant).ConfigureAwait(false) && dependant is not ExportNode) changed.Enqueue(dependant);
            }
        }
    }

    private async ValueTask<bool> ReevaluateAsync(Node node)
    {
        try
        {
            return await node.ReevaluateAsync(this).ConfigureAwait(false);
        }
        catch (SyntaxException many)
        {
            node.Failed(string.Join("; ", many.Findings));
        }
        catch (EvaluationException one)
        {
            node.Failed(one.ToDiagnostic().ToString());
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // The boundary of a node: whatever it throws, the graph goes on.
            node.Failed(failure.Message);
        }
        return false;
    }

    /// <summary>The node belongs to the graph that runs, not to one that a reload has replaced.</summary>
    private bool Lives(Node node)
    {
        var module = node.Module;
        while (module.Owner is { } owner)
        {
            if (!owner.Children.Contains(module)) return false;
            module = owner.Module;
        }
        return module == root;
    }
}
