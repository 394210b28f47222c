using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Thaw.Core.Chunks;

namespace Thaw.Storage.Versions;

/// <summary>A pooled native buffer of one block, for checking a block of which only a part is wanted.</summary>
internal readonly unsafe struct BlockScratch : IDisposable
{
    /// <summary>
    /// More than the threads that check at once; the pool never holds more than were in use together.
    /// </summary>
    private const int Most = 64;

    private static readonly ConcurrentBag<nint> Free = [];

    private static int _allocated;

    private readonly nint _start;

    private BlockScratch(nint start) => _start = start;

    public Span<byte> Span => new((void*)_start, Geometry.BlockBytes);

    /// <summary>Buffers that are rented now.</summary>
    public static int Rented => Volatile.Read(ref _allocated) - Free.Count;

    public static BlockScratch Rent()
    {
        if (Free.TryTake(out var start))
            return new BlockScratch(start);
        Interlocked.Increment(ref _allocated);
        return new BlockScratch((nint)NativeMemory.AlignedAlloc(Geometry.BlockBytes, 4096));
    }

    public void Dispose()
    {
        if (Free.Count < Most)
        {
            Free.Add(_start);
            return;
        }

        NativeMemory.AlignedFree((void*)_start);
        Interlocked.Decrement(ref _allocated);
    }
}
