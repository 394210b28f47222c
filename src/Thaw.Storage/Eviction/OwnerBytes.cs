namespace Thaw.Storage.Eviction;

/// <summary>Bytes of each owner's versions on a disk. Not thread-safe.</summary>
internal sealed class OwnerBytes
{
    private readonly List<long> _bytes = [];

    public long Of(int owner) => owner < _bytes.Count ? _bytes[owner] : 0;

    public void Add(int owner, long bytes)
    {
        while (_bytes.Count <= owner)
            _bytes.Add(0);
        _bytes[owner] += bytes;
    }
}
