using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Versions;

namespace Thaw.Tests.Storage.Model;

/// <summary>What the simple model knows of one version.</summary>
internal sealed class ModelVersion
{
    private static readonly byte[] Noise = SampleVersions.Bytes(20 << 20, 4711);

    private readonly int _start;

    public ModelVersion(Random random, int seed)
    {
        // Most are small, so that many operations fit into a second; some have a whole chunk and a short one.
        long size = random.Next(10) switch
        {
            < 5 => random.Next(1, Geometry.InlineBytes + 1),
            < 9 => random.Next(Geometry.InlineBytes + 1, 700 << 10),
            _ => Geometry.ChunkBytes + random.Next(1, 300 << 10),
        };
        _start = random.Next((int)(Noise.Length - size));
        Version = SampleVersions.Of(size, seed);
    }

    public ObjectVersion Version { get; }

    /// <summary>Chunks that must be here as long as the machine goes on.</summary>
    public HashSet<int> Expected { get; } = [];

    /// <summary>Chunks that must be here also after a power cut.</summary>
    public HashSet<int> Durable { get; } = [];

    /// <summary>Something was damaged in its files: nothing must be here, but nothing wrong may be given.</summary>
    public bool IsRotten { get; set; }

    /// <summary>Files of it were damaged once; a power cut may bring unlinked ones back.</summary>
    public bool WasRotten { get; set; }

    /// <summary>A lease that is held over operations.</summary>
    public VersionLease? Held { get; set; }

    /// <summary>The data file as it was sealed, which someone may still map.</summary>
    public MemoryFile? Mapped { get; set; }

    public int ChunkCount => Geometry.ChunkCount(Version.SizeBytes);

    public ReadOnlyMemory<byte> Content => Noise.AsMemory(_start, (int)Version.SizeBytes);

    public ReadOnlyMemory<byte> ChunkOf(int chunk) => Content.Slice(
        (int)Geometry.ChunkOffset(chunk), Geometry.ChunkLength(Version.SizeBytes, chunk));

    /// <summary>Nothing must be here any more.</summary>
    public void Forget()
    {
        Expected.Clear();
        Durable.Clear();
    }

    /// <summary>What is not here any more must not be; what the store still has is as it was.</summary>
    public void Narrow(VersionFile? version)
    {
        Expected.RemoveWhere(chunk => version?.Has(chunk) != true);
        Durable.IntersectWith(Expected);
    }
}
