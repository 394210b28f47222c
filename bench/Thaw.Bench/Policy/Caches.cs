namespace Thaw.Bench.Policy;

/// <summary>The caches that the policy is compared with, each over chunks.</summary>
public static class Caches
{
    /// <summary>The chunk that was read longest ago goes.</summary>
    public static Outcome Lru(Trace trace, int capacity) => Ordered(trace, capacity, moveOnHit: true);

    /// <summary>The chunk that was kept longest ago goes.</summary>
    public static Outcome Fifo(Trace trace, int capacity) => Ordered(trace, capacity, moveOnHit: false);

    /// <summary>
    /// Belady's optimum with bypass: the chunk that is read again last goes, or is not kept at all.
    /// </summary>
    public static Outcome Optimum(Trace trace, int capacity)
    {
        var (chunks, count) = Numbered(trace);
        var next = new int[chunks.Length];
        var seen = new int[count];
        Array.Fill(seen, int.MaxValue);
        for (var i = chunks.Length - 1; i >= 0; i--)
            (next[i], seen[chunks[i]]) = (seen[chunks[i]], i);
        var nextOf = new int[count];
        var isHere = new bool[count];
        // Latest next read first; what was read since has a stale place.
        var latest = new PriorityQueue<(int Chunk, int Next), int>();
        var (used, hits) = (0, 0L);
        for (var i = 0; i < chunks.Length; i++)
        {
            var chunk = chunks[i];
            nextOf[chunk] = next[i];
            if (isHere[chunk])
            {
                hits++;
            }
            else if (next[i] == int.MaxValue)
            {
                continue;
            }
            else if (used < capacity)
            {
                used++;
            }
            else
            {
                while (latest.Peek() is var top && (!isHere[top.Chunk] || nextOf[top.Chunk] != top.Next))
                    latest.Dequeue();
                if (latest.Peek().Next <= next[i])
                    continue;
                isHere[latest.Dequeue().Chunk] = false;
            }

            isHere[chunk] = true;
            latest.Enqueue((chunk, next[i]), -next[i]);
        }

        return new Outcome(chunks.Length, hits);
    }

    private static Outcome Ordered(Trace trace, int capacity, bool moveOnHit)
    {
        var (chunks, count) = Numbered(trace);
        var places = new LinkedListNode<int>?[count];
        var order = new LinkedList<int>();
        long hits = 0;
        foreach (var chunk in chunks)
        {
            if (places[chunk] is { } place)
            {
                hits++;
                if (!moveOnHit)
                    continue;
                order.Remove(place);
                order.AddLast(place);
                continue;
            }

            if (order.Count == capacity)
            {
                places[order.First!.Value] = null;
                order.RemoveFirst();
            }

            places[chunk] = order.AddLast(chunk);
        }

        return new Outcome(chunks.Length, hits);
    }

    private static (int[] Chunks, int Count) Numbered(Trace trace)
    {
        var first = new int[trace.Sizes.Length + 1];
        for (var i = 0; i < trace.Sizes.Length; i++)
            first[i + 1] = first[i] + trace.Sizes[i];
        var chunks = new int[trace.Reads.Count];
        for (var i = 0; i < chunks.Length; i++)
            chunks[i] = first[trace.Reads[i].Version] + trace.Reads[i].Chunk;
        return (chunks, first[^1]);
    }
}
