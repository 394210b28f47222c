using System.Numerics;

namespace Thaw.Storage.Memory;

/// <summary>
/// Objects found by a hash that they know themselves: one reference for each in an array, and no node around it, so
/// that hundreds of thousands cost little. Several may have the same hash.
/// <para>Readers take no lock: they probe the array that they found, in which what is there stays in its place. Changes
/// are made by one caller at a time, and a reader that is at it may see the table as it was before.</para>
/// </summary>
internal sealed class ObjectTable<T>(Func<T, uint> hashOf)
    where T : class
{
    private const int FewestSlots = 16;
    private static readonly object Gone = new();

    private object?[] _slots = new object?[FewestSlots];
    private int _used;
    private int _count;

    /// <summary>Number of objects.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>All objects, as of about now.</summary>
    public IEnumerable<T> All
    {
        get
        {
            foreach (var slot in Volatile.Read(ref _slots))
                if (slot is T one)
                    yield return one;
        }
    }

    /// <summary>The objects of a hash, among others: the caller looks whether one is what it wants.</summary>
    public Candidates Of(uint hash) => new(Volatile.Read(ref _slots), hash);

    public void Add(T one)
    {
        // At most three quarters are in use, so that every probe ends.
        if ((_used + 1) * 4L > _slots.Length * 3L)
            Rebuild();
        Place(_slots, one);
        _used++;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Takes an object out; false if it is not here.</summary>
    public bool Remove(T one)
    {
        if (Find(one) is not (>= 0 and var at))
            return false;
        Volatile.Write(ref _slots[at], Gone);
        Volatile.Write(ref _count, _count - 1);
        return true;
    }

    /// <summary>Puts an object of the same hash in another one's place; false if that is not here.</summary>
    public bool Replace(T old, T one)
    {
        if (Find(old) is not (>= 0 and var at))
            return false;
        Volatile.Write(ref _slots[at], one);
        return true;
    }

    // Multiplied first: ids come in the order of their first bits, which would put them all in a few places.
    private static int SlotOf(object?[] slots, uint hash) =>
        (int)((hash * 2654435769u) >> (BitOperations.LeadingZeroCount((uint)slots.Length - 1)));

    private int Find(T one)
    {
        for (var at = SlotOf(_slots, hashOf(one)); _slots[at] is { } found; at = (at + 1) & (_slots.Length - 1))
            if (ReferenceEquals(found, one))
                return at;
        return -1;
    }

    private void Rebuild()
    {
        var length = FewestSlots;
        while (length * 3L < (_count + 1) * 4L * 3 / 2)
            length *= 2;
        var slots = new object?[length];
        foreach (var slot in _slots)
            if (slot is T one)
                Place(slots, one);
        _used = _count;
        Volatile.Write(ref _slots, slots);
    }

    private void Place(object?[] slots, T one)
    {
        var at = SlotOf(slots, hashOf(one));
        while (slots[at] is not null)
            at = (at + 1) & (slots.Length - 1);
        Volatile.Write(ref slots[at], one);
    }

    /// <summary>The objects that a hash may lead to.</summary>
    public struct Candidates(object?[] slots, uint hash)
    {
        private int _at = SlotOf(slots, hash) - 1;

        public T Current { get; private set; } = null!; // set by the first MoveNext

        public readonly Candidates GetEnumerator() => this;

        public bool MoveNext()
        {
            while (Volatile.Read(ref slots[_at = (_at + 1) & (slots.Length - 1)]) is { } found)
            {
                if (found is not T one)
                    continue;
                Current = one;
                return true;
            }

            return false;
        }
    }
}
