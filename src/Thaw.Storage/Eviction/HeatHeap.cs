namespace Thaw.Storage.Eviction;

/// <summary>
/// Members with the coldest first: a binary heap whose members know their place, so that one can be moved or taken out
/// without a search. Not thread-safe.
/// </summary>
internal sealed class HeatHeap<T>
    where T : Warm
{
    private readonly List<T> _heap = [];

    public IReadOnlyList<T> Members => _heap;

    public int Count => _heap.Count;

    /// <summary>The coldest, or null.</summary>
    public T? Coldest => _heap.Count > 0 ? _heap[0] : null;

    public bool Contains(T member) => member.Place >= 0 && member.Place < _heap.Count
        && ReferenceEquals(_heap[member.Place], member);

    public void Add(T member)
    {
        member.Place = _heap.Count;
        _heap.Add(member);
        Rise(member.Place);
    }

    public void Remove(T member)
    {
        var place = member.Place;
        var last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        member.Place = -1;
        if (ReferenceEquals(last, member))
            return;
        (_heap[place], last.Place) = (last, place);
        Moved(last);
    }

    /// <summary>All members' warmth has changed.</summary>
    public void AllMoved()
    {
        for (var place = _heap.Count / 2 - 1; place >= 0; place--)
            Sink(place);
    }

    /// <summary>A member's warmth has changed.</summary>
    public void Moved(T member)
    {
        Rise(member.Place);
        Sink(member.Place);
    }

    internal static bool IsColder(T one, T other) => one.Warmth < other.Warmth
        || (one.Warmth == other.Warmth && one.LastUsed < other.LastUsed);

    private void Rise(int place)
    {
        while (place > 0 && IsColder(_heap[place], _heap[(place - 1) / 2]))
        {
            Swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    private void Sink(int place)
    {
        while (true)
        {
            var least = place;
            for (var child = 2 * place + 1; child <= 2 * place + 2 && child < _heap.Count; child++)
                if (IsColder(_heap[child], _heap[least]))
                    least = child;
            if (least == place)
                return;
            Swap(place, least);
            place = least;
        }
    }

    private void Swap(int one, int other)
    {
        (_heap[one], _heap[other]) = (_heap[other], _heap[one]);
        (_heap[one].Place, _heap[other].Place) = (one, other);
    }
}
