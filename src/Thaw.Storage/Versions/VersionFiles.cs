using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>Opens and makes the two files of a version.</summary>
internal static class VersionFiles
{
    /// <summary>Opens the files of a version; null when there are none or, as the problem says, of no use.</summary>
    public static VersionFile? TryOpen(DiskStore disk, ContentId id, out MapProblem problem)
    {
        problem = MapProblem.None;
        var paths = disk.PathsOf(id);
        if (!disk.Files.Exists(paths.Map))
            return null;
        DiskFile? map = null;
        DiskFile? data = null;
        try
        {
            map = disk.Files.Open(paths.Map, FileMode.Open);
            if (ReadHeader(map, out problem) is not { } header)
                return null;
            if (header.Id != id)
            {
                problem = MapProblem.Damaged;
                return null;
            }

            data = MapLayout.IsInline(header.SizeBytes) ? map : disk.Files.Open(paths.Data, FileMode.Open);
            if (!TryFit(map, data, header, out var doubtFrom))
            {
                problem = MapProblem.Damaged;
                return null;
            }

            var version = new VersionFile(disk, new VersionMap(map, header), data);
            version.LoadEntries(doubtFrom);
            (map, data) = (null, null);
            return version;
        }
        catch (FileNotFoundException)
        {
            // The map is there and its data is not.
            problem = MapProblem.Damaged;
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            disk.ReportReadFailure(id, error);
            problem = MapProblem.Unreadable;
            return null;
        }
        finally
        {
            if (data != map)
                data?.Dispose();
            map?.Dispose();
        }
    }

    /// <summary>Makes the files of a version; an <see cref="IOException"/> if its map exists.</summary>
    public static VersionFile Create(DiskStore disk, ObjectVersion version)
    {
        var paths = disk.PathsOf(version.Id);
        var header = new MapHeader(
            version.Id, version.SizeBytes, version.Sum, Verdict.None, version.IsWeak ? MapFlags.Weak : MapFlags.None,
            disk.Clock.GetUtcNow());
        disk.Files.CreateFolder(Path.GetDirectoryName(paths.Map)!);
        DiskFile? data = null;
        DiskFile? file = null;
        try
        {
            if (!MapLayout.IsInline(version.SizeBytes))
            {
                // What a crash left of an earlier file may be mapped by someone: it is unlinked, never written to.
                disk.Files.Delete(paths.Data);
                data = disk.Files.Open(paths.Data, FileMode.CreateNew);
                data.SetLength(version.SizeBytes);
            }

            file = disk.Files.Open(paths.Map, FileMode.CreateNew);
            file.SetLength(MapLayout.FileBytes(version.SizeBytes));
            var map = new VersionMap(file, header);
            map.WriteHeader(header);
            var created = new VersionFile(disk, map, data ?? file);
            (file, data) = (null, null);
            return created;
        }
        finally
        {
            data?.Dispose();
            file?.Dispose();
        }
    }

    /// <summary>
    /// Gives both files the lengths that the header says. What is behind the end goes; what a file lacks is zeros now,
    /// which no entry or block vouches for. False for a sealed file of another length: it is never cut or stretched.
    /// </summary>
    /// <param name="map">The map.</param>
    /// <param name="data">The data, or the map once more.</param>
    /// <param name="header">What is right.</param>
    /// <param name="doubtFrom">Chunks that reach beyond this offset are checked before they are served.</param>
    private static bool TryFit(DiskFile map, DiskFile data, MapHeader header, out long doubtFrom)
    {
        doubtFrom = header.SizeBytes;
        if (data != map && data.Length is var length && length != header.SizeBytes)
        {
            if ((header.Flags & MapFlags.Sealed) != 0)
                return false;
            doubtFrom = Math.Min(length, header.SizeBytes);
            data.SetLength(header.SizeBytes);
        }

        var mapBytes = MapLayout.FileBytes(header.SizeBytes);
        if (map.Length == mapBytes)
            return true;
        map.SetLength(mapBytes);
        new VersionMap(map, header).WriteHeader(header);
        return true;
    }

    /// <summary>The header, or its copy at the map's end if the first one does not check.</summary>
    private static MapHeader? ReadHeader(DiskFile map, out MapProblem problem)
    {
        var length = map.Length;
        Span<byte> sector = stackalloc byte[MapLayout.HeaderBytes];
        var header = MapHeader.Read(ReadSector(map, sector, 0, length), out problem);
        var second = length - MapLayout.HeaderBytes;
        if (problem is not (MapProblem.Damaged or MapProblem.Unfinished) || second < MapLayout.HeaderBytes)
            return header;
        header = MapHeader.Read(ReadSector(map, sector, second, length), out var secondProblem);
        if (header is null)
            return null;
        problem = secondProblem;
        map.Write(sector, 0);
        return header;
    }

    /// <summary>A read that ends before the file does says nothing of what is there.</summary>
    private static Span<byte> ReadSector(DiskFile map, Span<byte> sector, long offset, long length)
    {
        var read = map.Read(sector, offset);
        return read == Math.Min(sector.Length, length - offset)
            ? sector[..read]
            : throw new IOException("A read of a map ended early.");
    }
}
