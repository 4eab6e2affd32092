namespace Pharos.Collector.Processing.Stages;

/// <summary>One step: changes an entry and passes it on, holds it, or lets it fall.</summary>
internal interface IStage
{
    void Process(LogEntry entry);
}

/// <summary>A step that gathers entries.</summary>
internal interface IHolder
{
    /// <summary>Passes on what has waited too long, or all.</summary>
    void Flush(bool all);
}

/// <summary>A step that changes one entry at a time.</summary>
/// <param name="next">The step after it.</param>
internal abstract class SimpleStage(IStage next) : IStage
{
    public void Process(LogEntry entry)
    {
        if (Apply(entry)) next.Process(entry);
    }

    /// <summary>False: the entry is dropped.</summary>
    protected abstract bool Apply(LogEntry entry);
}

/// <summary>A step whose work is one small function.</summary>
internal sealed class FunctionStage(IStage next, Func<LogEntry, bool> apply) : SimpleStage(next)
{
    protected override bool Apply(LogEntry entry) => apply(entry);
}
