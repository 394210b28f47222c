using System.Buffers;
using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Posix.Bindings;
using Thaw.Posix.Loop;

namespace Thaw.Posix.Tree;

/// <summary>
/// Reading folders. The kernel keeps a listing that it was given whole; it is told to use it again while half of the
/// time has not passed for which names are believed, so that the names in it are still believed when it is used.
/// </summary>
internal sealed class FolderRequests(TreeParts parts, PendingRequests pending, TimeProvider clock)
{
    private readonly ConcurrentDictionary<ulong, FolderStream> _streams = new();
    private ulong _lastHandle;

    public int Count => _streams.Count;

    public void Open(in Request request)
    {
        if (parts.Nodes.Get(request.NodeId) is not { } folder)
        {
            request.Fail(Errno.Stale);
            return;
        }

        if (!folder.IsFolder)
        {
            request.Fail(Errno.NotADirectory);
            return;
        }

        var handle = Interlocked.Increment(ref _lastHandle);
        _streams[handle] = new FolderStream(parts.Names, folder, clock);
        var isKept = folder.ListedAt != 0 && clock.GetElapsedTime(folder.ListedAt) < parts.ValidOf(folder) / 2;
        var answer = new OpenOut
        {
            Handle = handle,
            Flags = OpenFlags.CacheDirectory | (isKept ? OpenFlags.KeepCache : OpenFlags.None),
        };
        if (!request.Answer(in answer))
            Release(handle);
    }

    public void Release(ulong handle)
    {
        if (_streams.TryRemove(handle, out var stream))
            stream.Dispose();
    }

    public void Read(in Request request, bool plus)
    {
        var read = request.Read<ReadIn>();
        if (!_streams.TryGetValue(read.Handle, out var stream) || read.Offset > long.MaxValue)
        {
            request.Fail(Errno.Stale);
            return;
        }

        var size = (int)Math.Min(read.Size, Limits.PosixReadBytes);
        if (stream.TryGet(Math.Max((long)read.Offset, FolderStream.First)) is not { } names)
        {
            pending.Run(in request, one => ReadAsync(stream, (long)read.Offset, size, plus, one));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(size);
        var told = new List<Node>();
        var length = Fill(stream, (long)read.Offset, names.Span, buffer.AsSpan(0, size), plus, told);
        if (!request.Channel.Answer(request.Unique, buffer.AsSpan(0, length)))
            Untell(told);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private async Task ReadAsync(FolderStream stream, long offset, int size, bool plus, PendingRequest request)
    {
        var from = Math.Max(offset, FolderStream.First);
        if (await stream.MoveToAsync(from, request.Cancelled).ConfigureAwait(false) is { } failure)
        {
            request.Fail(Errno.Of(failure.Kind));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(size);
        var told = new List<Node>();
        var names = stream.TryGet(from) ?? ReadOnlyMemory<Found>.Empty;
        var length = Fill(stream, offset, names.Span, buffer.AsSpan(0, size), plus, told);
        if (!request.Answer(buffer.AsSpan(0, length)))
            Untell(told);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Writes entries from an offset on; the nodes that the kernel is told of go to a list.</summary>
    private int Fill(
        FolderStream stream, long offset, ReadOnlySpan<Found> names, Span<byte> destination, bool plus,
        List<Node> told)
    {
        var writer = new FolderWriter(destination, plus);
        var folder = stream.Folder;
        for (; offset < FolderStream.First; offset++)
        {
            var (name, node) = offset == 0 ? (".", folder) : ("..", folder.Parent ?? folder);
            if (!writer.Fits(name))
                return writer.Length;
            writer.Add(name, node.Inode, isFolder: true, offset + 1, default);
        }

        var valid = parts.ValidOf(folder);
        var (mount, prefix) = folder.Locate();
        foreach (ref readonly var found in names)
        {
            if (!writer.Fits(found.Name))
                return writer.Length;
            if (plus)
            {
                var node = parts.Nodes.Enter(folder, in found, stream.BegunAt);
                told.Add(node);
                writer.Add(found.Name, node.Inode, found.IsFolder, ++offset, NodeAttributes.EntryOf(node, valid));
            }
            else
            {
                var inode = mount.Length == 0
                    ? FileNames.InodeOf(found.Name, "")
                    : FileNames.InodeOf(mount, prefix + found.Name + (found.IsFolder ? "/" : ""));
                writer.Add(found.Name, inode, found.IsFolder, ++offset, default);
            }
        }

        if (stream.HiddenAtEnd is { } hidden)
            parts.Nodes.NoteListed(folder, stream.BegunAt, hidden);
        return writer.Length;
    }

    private void Untell(List<Node> told)
    {
        foreach (var node in told)
            parts.Nodes.Forget(node.Id, 1);
    }
}
