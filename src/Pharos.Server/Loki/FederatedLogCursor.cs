using Pharos.Core;

namespace Pharos.Server.Loki;

/// <summary>The entries of one tenant on their way into an answer over several.</summary>
internal sealed class MemberCursor(ILogCursor cursor, TenantId member)
{
    private readonly Dictionary<Labels, Labels> labelled = new(ReferenceEqualityComparer.Instance);

    public ILogCursor Cursor { get; } = cursor;

    /// <summary>Labels of the current entry's stream with the tenant's name; the same instance for all entries of a stream.</summary>
    public Labels Stream
    {
        get
        {
            var own = Cursor.Stream;
            if (!labelled.TryGetValue(own, out var shown)) labelled[own] = shown = FederatedLogs.Labelled(own, member);
            return shown;
        }
    }
}

/// <summary>Merges the entries of several tenants: in the order of time where the selection asks for it, else one after the other.</summary>
internal sealed class FederatedLogCursor(IReadOnlyList<MemberCursor> members, LogSelection selection) : ILogCursor
{
    private readonly PriorityQueue<MemberCursor, (long Time, int Member)> ready = new();
    private MemberCursor? current;
    private int opened;

    public Labels Stream => current!.Stream;

    public long TimestampNs => current!.Cursor.TimestampNs;

    public ReadOnlySpan<byte> Line => current!.Cursor.Line;

    public ReadOnlySpan<byte> Metadata => current!.Cursor.Metadata;

    public int Count => current!.Cursor.Count;

    public int LineBytes => current!.Cursor.LineBytes;

    public LogFields? Fields => current!.Cursor.Fields;

    public int FieldRow => current!.Cursor.FieldRow;

    public bool InMemory => current!.Cursor.InMemory;

    public LogReadStatistics Statistics => members.Aggregate(default(LogReadStatistics), (sum, m) => sum + m.Cursor.Statistics);

    public bool MoveNext() => selection.Ordered ? MoveInOrder() : MoveOneByOne();

    public void Dispose()
    {
        foreach (var member in members) member.Cursor.Dispose();
    }

    private bool MoveInOrder()
    {
        if (current is null)
        {
            for (int i = 0; i < members.Count; i++) Push(i);
        }
        else
        {
            Push(opened);
        }
        if (!ready.TryDequeue(out current, out var key)) return false;
        opened = key.Member;
        return true;
    }

    private void Push(int member)
    {
        var cursor = members[member].Cursor;
        if (cursor.MoveNext()) ready.Enqueue(members[member], (selection.Backward ? -cursor.TimestampNs : cursor.TimestampNs, member));
    }

    private bool MoveOneByOne()
    {
        for (; opened < members.Count; opened++)
        {
            current = members[opened];
            if (current.Cursor.MoveNext()) return true;
        }
        return false;
    }
}
