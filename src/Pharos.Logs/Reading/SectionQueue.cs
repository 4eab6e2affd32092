using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>Sections of streams for several readers, made as they are taken: however many streams there are. Safe for several threads.</summary>
/// <param name="counting">See <see cref="ReadSection.Cut"/>.</param>
internal sealed class SectionQueue(IEnumerable<(Labels Labels, StreamSnapshot Content)> streams, bool counting, CancellationToken cancel)
{
    private readonly Lock gate = new();
    private readonly Queue<ReadSection> ready = new();
    private readonly IEnumerator<(Labels Labels, StreamSnapshot Content)> rest = streams.GetEnumerator();
    private Labels? last;
    private int made;

    /// <param name="isNewStream">Whether no section of its stream was taken before.</param>
    public bool TryTake(out ReadSection section, out bool isNewStream)
    {
        lock (gate)
        {
            Fill(1);
            bool taken = ready.TryDequeue(out section);
            isNewStream = taken && last != section.Labels;
            last = section.Labels;
            return taken;
        }
    }

    /// <summary>How many readers are of use: so many, or fewer where there are not as many sections; at least one.</summary>
    public int AtLeast(int readersMax)
    {
        lock (gate)
        {
            Fill(readersMax);
            return Math.Clamp(ready.Count, 1, readersMax);
        }
    }

    private void Fill(int count)
    {
        while (ready.Count < count && rest.MoveNext())
        {
            cancel.ThrowIfCancellationRequested();
            var (labels, content) = rest.Current;
            if (content.Blocks.Length + content.Heads.Length == 1)
            {
                ready.Enqueue(new ReadSection(made++, labels, content));
                continue;
            }
            foreach (var section in ReadSection.Cut(labels, content, counting, made))
            {
                ready.Enqueue(section);
                made++;
            }
        }
    }
}
