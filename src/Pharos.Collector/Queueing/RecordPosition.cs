namespace Pharos.Collector.Queueing;

/// <summary>A place between two records of a <see cref="RecordLog"/>. Orders as written.</summary>
internal readonly record struct RecordPosition(long Segment, long Offset) : IComparable<RecordPosition>
{
    public int CompareTo(RecordPosition other) => Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);

    public static bool operator <(RecordPosition left, RecordPosition right) => left.CompareTo(right) < 0;
    public static bool operator >(RecordPosition left, RecordPosition right) => left.CompareTo(right) > 0;
    public static bool operator <=(RecordPosition left, RecordPosition right) => left.CompareTo(right) <= 0;
    public static bool operator >=(RecordPosition left, RecordPosition right) => left.CompareTo(right) >= 0;
}
