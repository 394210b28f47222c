using Microsoft.Win32.SafeHandles;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Format;

namespace Thaw.Faults;

/// <summary>
/// The files of one version as they are on disk, read without the store: which chunks are entered, and of which there
/// are bytes although they are not. For versions of whole chunks whose chunks do not begin with 64 zeros.
/// </summary>
internal sealed class MapFile(string mapPath)
{
    private const int ProbeBytes = 64;

    private readonly string _dataPath = Path.ChangeExtension(mapPath, ".data");

    /// <summary>The version's map, or null if there is none of this size yet.</summary>
    public static MapFile? Find(string cacheFolder, ContentId id)
    {
        var hex = id.ToString();
        var path = Path.Combine(cacheFolder, "versions", hex[..2], hex + ".map");
        return File.Exists(path) ? new MapFile(path) : null;
    }

    /// <summary>Every version's map.</summary>
    public static IEnumerable<MapFile> All(string cacheFolder)
    {
        var folder = Path.Combine(cacheFolder, "versions");
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*.map", SearchOption.AllDirectories).Select(path => new MapFile(path))
            : [];
    }

    /// <summary>Chunks that are whole and entered.</summary>
    /// <exception cref="InvalidOperationException">The map is damaged.</exception>
    public HashSet<int> ReadEntered() => Read().Entered;

    /// <summary>Chunks whose bytes have begun to be written and that are not entered.</summary>
    public IReadOnlyList<int> ReadBegun()
    {
        var (entered, count) = Read();
        if (!File.Exists(_dataPath))
            return [];
        using var data = Open(_dataPath);
        var probe = new byte[ProbeBytes];
        return [.. Enumerable.Range(0, count).Where(chunk => !entered.Contains(chunk)
            && RandomAccess.Read(data, probe, Geometry.ChunkOffset(chunk)) > 0
            && probe.AsSpan().ContainsAnyExcept((byte)0))];
    }

    private static SafeFileHandle Open(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private (HashSet<int> Entered, int Count) Read()
    {
        using var map = Open(mapPath);
        var bytes = new byte[RandomAccess.GetLength(map)];
        var length = RandomAccess.Read(map, bytes, 0);
        var header = MapHeader.Read(bytes.AsSpan(0, Math.Min(length, MapLayout.HeaderBytes)), out var problem);
        if (header is null)
            return problem == MapProblem.Unfinished
                ? ([], 0)
                : throw new InvalidOperationException($"{mapPath}: {problem}");
        var entered = new HashSet<int>();
        var count = Geometry.ChunkCount(header.SizeBytes);
        for (var chunk = 0; chunk < count; chunk++)
        {
            var entry = bytes.AsSpan((int)MapLayout.EntryOffset(chunk), MapLayout.EntryBytes);
            var state = ChunkEntry.Read(entry, ChunkEntry.Seed(header.Id, chunk), out var damaged).State;
            if (damaged)
                throw new InvalidOperationException($"{mapPath}: the entry of chunk {chunk} is damaged.");
            if (state is ChunkState.Written or ChunkState.Durable)
                entered.Add(chunk);
        }

        return (entered, count);
    }
}
