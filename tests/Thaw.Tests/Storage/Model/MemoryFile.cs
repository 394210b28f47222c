namespace Thaw.Tests.Storage.Model;

/// <summary>
/// The content of a file in memory, as the kernel and the medium see it: pages, each with what the page cache holds,
/// what the medium holds if that differs, and which of its 512-byte sectors are dirty. A power cut keeps of the dirty
/// sectors whatever chance wills. A failed sync leaves pages clean that are not on the medium, as Linux does.
/// </summary>
internal sealed class MemoryFile
{
    public const int PageBytes = 16 << 10;
    public const int SectorBytes = 512;

    private readonly Dictionary<long, Page> _pages = [];
    private long _syncedLength;

    public long Length { get; private set; }

    /// <summary>Bytes that it takes of the disk.</summary>
    public long AllocatedBytes => _pages.Values.LongCount(page => !page.IsHole) * PageBytes;

    public int Read(Span<byte> destination, long offset, bool fromMedium = false)
    {
        var bytes = (int)Math.Clamp(Length - offset, 0, destination.Length);
        for (var done = 0; done < bytes;)
        {
            var (index, at, count) = Place(offset + done, bytes - done);
            var target = destination.Slice(done, count);
            if (!_pages.TryGetValue(index, out var page))
                target.Clear();
            else
                (fromMedium ? page.Medium ?? page.Cache : page.Cache).AsSpan(at, count).CopyTo(target);
            done += count;
        }

        return bytes;
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var (index, at, count) = Place(offset + done, bytes.Length - done);
            if (!_pages.TryGetValue(index, out var page))
                _pages.Add(index, page = new Page { Medium = new byte[PageBytes] });
            else if (page.Medium is null)
                (page.Medium, page.Cache) = (page.Cache, count == PageBytes ? new byte[PageBytes] : [.. page.Cache]);
            bytes.Slice(done, count).CopyTo(page.Cache.AsSpan(at));
            // A page that is written back is written whole, also what an earlier failed sync left behind.
            page.Dirty |= page.IsForgotten ? uint.MaxValue : SectorsOf(at, count);
            page.IsForgotten = page.IsHole = false;
            done += count;
        }

        Length = Math.Max(Length, offset + bytes.Length);
    }

    public void SetLength(long length)
    {
        foreach (var index in _pages.Keys.Where(index => index * PageBytes >= length).ToArray())
            _pages.Remove(index);
        if (length < Length && length % PageBytes != 0 && _pages.TryGetValue(length / PageBytes, out var last))
        {
            last.Cache.AsSpan((int)(length % PageBytes)).Clear();
            last.Medium?.AsSpan((int)(length % PageBytes)).Clear();
        }

        Length = length;
    }

    /// <summary>
    /// Gives whole pages back and zeros the rest; until the next sync a power cut may bring back what was there.
    /// </summary>
    public void Punch(long start, long end)
    {
        foreach (var (index, page) in _pages)
        {
            var (from, to) = (Math.Max(start, index * PageBytes), Math.Min(end, (index + 1) * PageBytes));
            if (from >= to)
                continue;
            var (at, count) = ((int)(from % PageBytes), (int)(to - from));
            if (page.Medium is null)
                (page.Medium, page.Cache) = (page.Cache, [.. page.Cache]);
            page.Cache.AsSpan(at, count).Clear();
            page.Dirty |= page.IsForgotten ? uint.MaxValue : SectorsOf(at, count);
            (page.IsForgotten, page.IsHole) = (false, count == PageBytes || to == Length);
        }
    }

    public void Sync()
    {
        foreach (var (index, _) in _pages.Where(page => page.Value.IsHole).ToArray())
            _pages.Remove(index);
        foreach (var page in _pages.Values.Where(page => !page.IsForgotten))
            (page.Medium, page.Dirty) = (null, 0);
        _syncedLength = Length;
    }

    /// <summary>A sync that fails: what was dirty counts as clean and is not on the medium.</summary>
    public void FailSync()
    {
        foreach (var page in _pages.Values.Where(page => page.Dirty != 0))
            (page.Dirty, page.IsForgotten) = (0, true);
    }

    /// <summary>What is left of it when the machine stops now.</summary>
    public void CutPower(Random random)
    {
        foreach (var page in _pages.Values.Where(page => page.Medium is not null))
        {
            var kept = random.Next(3) switch { 0 => 0u, 1 => uint.MaxValue, _ => (uint)random.NextInt64() };
            kept &= page.Dirty;
            for (var sector = 0; kept != 0 && sector < PageBytes / SectorBytes; sector++)
                if ((kept & (1u << sector)) != 0)
                    page.Cache.AsSpan(sector * SectorBytes, SectorBytes)
                        .CopyTo(page.Medium.AsSpan(sector * SectorBytes));
            (page.Cache, page.Medium, page.Dirty, page.IsForgotten) = (page.Medium!, null, 0, false);
            page.IsHole = false;
        }

        if (Length != _syncedLength && random.Next(2) == 0)
            SetLength(_syncedLength);
        _syncedLength = Length;
    }

    /// <summary>Rot: one bit of the medium, and of the page cache if it was read again since.</summary>
    public void FlipBit(long offset, int bit, bool inCache)
    {
        if (!_pages.TryGetValue(offset / PageBytes, out var page))
            return;
        var at = (int)(offset % PageBytes);
        if (inCache)
            page.Cache[at] ^= (byte)(1 << bit);
        if (page.Medium is not null)
            page.Medium[at] ^= (byte)(1 << bit);
        else if (!inCache)
            (page.Medium = [.. page.Cache])[at] ^= (byte)(1 << bit);
    }

    private static (long Index, int At, int Count) Place(long offset, int most)
    {
        var at = (int)(offset % PageBytes);
        return (offset / PageBytes, at, Math.Min(most, PageBytes - at));
    }

    private static uint SectorsOf(int at, int count)
    {
        var (first, last) = (at / SectorBytes, (at + count - 1) / SectorBytes);
        return (uint)(((1UL << (last - first + 1)) - 1) << first);
    }

    private sealed class Page
    {
        public byte[] Cache { get; set; } = new byte[PageBytes];

        /// <summary>Null: as the cache.</summary>
        public byte[]? Medium { get; set; }

        public uint Dirty { get; set; }

        public bool IsForgotten { get; set; }

        public bool IsHole { get; set; }
    }
}
