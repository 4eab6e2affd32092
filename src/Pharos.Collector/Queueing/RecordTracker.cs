namespace Pharos.Collector.Queueing;

/// <summary>
/// Knows which records are wholly done although their parts are sent in any order: the position moves only over records that are.
/// Safe for several threads.
/// </summary>
internal sealed class RecordTracker(RecordPosition start)
{
    private readonly Lock gate = new();
    private readonly Queue<Record> open = new();
    private RecordPosition done = start;

    /// <summary>Everything before it is done.</summary>
    public RecordPosition Done
    {
        get
        {
            lock (gate) return done;
        }
    }

    /// <summary>Takes up a record; it is held until its parts and the one who reads it have let go.</summary>
    /// <param name="end">The position after it.</param>
    public Record Begin(RecordPosition end)
    {
        var record = new Record(end);
        lock (gate) open.Enqueue(record);
        return record;
    }

    public void Hold(Record record)
    {
        lock (gate) record.Holds++;
    }

    public void LetGo(Record record)
    {
        lock (gate)
        {
            record.Holds--;
            while (open.TryPeek(out var oldest) && oldest.Holds == 0)
            {
                done = oldest.End;
                open.Dequeue();
            }
        }
    }

    internal sealed class Record(RecordPosition end)
    {
        public RecordPosition End { get; } = end;

        public int Holds { get; set; } = 1;
    }
}
