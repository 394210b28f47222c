using System.Runtime.InteropServices;
using Thaw.Core;
using Thaw.Core.Failures;
using Thaw.Posix.Bindings;
using Thaw.Posix.Files;
using Thaw.Posix.Loop;

namespace Thaw.Posix.Tree;

/// <summary>
/// What each request of the kernel does to the tree: the one table from opcode to handler. Called on the reading
/// threads: what cannot be answered from memory or the page cache goes to the background, everything that would change
/// something is refused.
/// </summary>
internal sealed class TreeRequests(
    TreeParts parts, PendingRequests pending, ReplyBuffers buffers, OpenFiles files, TimeProvider clock)
{
    private readonly FolderRequests _folders = new(parts, pending, clock);
    private readonly AttributeRequests _attributes = new(parts, pending);

    /// <summary>Readings of folders that are open.</summary>
    public int OpenFolders => _folders.Count;

    /// <summary>Handles a request.</summary>
    public void Handle(in Request request)
    {
        switch (request.Header.Opcode)
        {
            case Opcode.Lookup:
                Lookup(in request);
                break;
            case Opcode.Forget:
                parts.Nodes.Forget(request.NodeId, request.Read<ulong>());
                break;
            case Opcode.BatchForget:
                BatchForget(in request);
                break;
            case Opcode.GetAttr:
                GetAttributes(in request);
                break;
            case Opcode.Open:
                Open(in request);
                break;
            case Opcode.Read:
                Read(in request);
                break;
            case Opcode.Release:
                files.Release(request.Read<ReleaseIn>().Handle);
                request.Fail(0);
                break;
            case Opcode.OpenDir:
                _folders.Open(in request);
                break;
            case Opcode.ReadDir:
                _folders.Read(in request, plus: false);
                break;
            case Opcode.ReadDirPlus:
                _folders.Read(in request, plus: true);
                break;
            case Opcode.ReleaseDir:
                _folders.Release(request.Read<ReleaseIn>().Handle);
                request.Fail(0);
                break;
            case Opcode.StatFs:
                StatFs(in request);
                break;
            case Opcode.GetXAttr:
                _attributes.Get(in request);
                break;
            case Opcode.ListXAttr:
                _attributes.List(in request);
                break;
            case Opcode.Interrupt:
                pending.Interrupt(request.Read<ulong>());
                break;
            default:
                request.Fail(ErrnoOf(request.Header.Opcode));
                break;
        }
    }

    /// <summary>What is answered to a request that the tree does not serve.</summary>
    internal static int ErrnoOf(Opcode opcode) => opcode switch
    {
        Opcode.SetAttr or Opcode.SymLink or Opcode.MkNod or Opcode.MkDir or Opcode.Unlink or Opcode.RmDir
            or Opcode.Rename or Opcode.Rename2 or Opcode.Link or Opcode.Write or Opcode.SetXAttr or Opcode.RemoveXAttr
            or Opcode.Create or Opcode.TmpFile or Opcode.FAllocate or Opcode.CopyFileRange => Errno.ReadOnly,
        Opcode.ReadLink => Errno.Invalid,
        // Nothing is ever dirty.
        Opcode.FSync or Opcode.FSyncDir or Opcode.Destroy => 0,
        // The kernel does without from then on: FLUSH, LSEEK, ACCESS, STATX, locks.
        _ => Errno.NotImplemented,
    };

    private void Lookup(in Request request)
    {
        if (parts.Nodes.Get(request.NodeId) is not { IsFolder: true } folder)
        {
            request.Fail(Errno.Stale);
            return;
        }

        if (request.Name() is not { } name)
        {
            var none = NodeAttributes.None(Limits.PosixNoNameValid);
            request.Answer(in none);
            return;
        }

        var valid = parts.ValidOf(folder);
        if (parts.Nodes.TryEnter(folder, name, clock.GetTimestamp() - parts.TicksOf(valid)) is { } known)
        {
            var entry = NodeAttributes.EntryOf(known, valid);
            if (!request.Answer(in entry))
                parts.Nodes.Forget(known.Id, 1);
            return;
        }

        pending.Run(in request, one => LookupAsync(folder, name, one));
    }

    private async Task LookupAsync(Node folder, string name, PendingRequest request)
    {
        var now = clock.GetTimestamp();
        var result = await parts.Names.FindAsync(folder, name, request.Cancelled).ConfigureAwait(false);
        if (!result.TryGet(out var found, out var failure))
        {
            request.Fail(Errno.Of(failure.Kind));
            return;
        }

        if (found is not { } one)
        {
            var none = NodeAttributes.None(Limits.PosixNoNameValid);
            request.Answer(in none);
            return;
        }

        var node = parts.Nodes.Enter(folder, in one, now);
        var entry = NodeAttributes.EntryOf(node, parts.ValidOf(folder));
        if (!request.Answer(in entry))
            parts.Nodes.Forget(node.Id, 1);
    }

    private void BatchForget(in Request request)
    {
        var count = (int)request.Read<uint>();
        var list = MemoryMarshal.Cast<byte, ForgetOne>(request.Body[sizeof(ulong)..]);
        foreach (ref readonly var one in list[..Math.Min(count, list.Length)])
            parts.Nodes.Forget(one.NodeId, one.Lookups);
    }

    private void GetAttributes(in Request request)
    {
        if (parts.Nodes.Get(request.NodeId) is not { } node)
        {
            request.Fail(Errno.Stale);
            return;
        }

        var answer = NodeAttributes.AnswerOf(node);
        request.Answer(in answer);
    }

    private void Open(in Request request)
    {
        const uint accessMode = 3;
        if (parts.Nodes.Get(request.NodeId) is not { } node)
            request.Fail(Errno.Stale);
        else if (node.IsFolder)
            request.Fail(Errno.IsADirectory);
        else if ((request.Read<OpenIn>().Flags & accessMode) != 0)
            request.Fail(Errno.ReadOnly);
        else
            pending.Run(in request, one => files.OpenAsync(node, one));
    }

    /// <summary>
    /// Bytes that the page cache has are answered here, without a wait or an allocation; all others in the background.
    /// Whatever keeps them from coming is EIO to whoever has the file open already.
    /// </summary>
    private void Read(in Request request)
    {
        var read = request.Read<ReadIn>();
        if (!files.TryGet(read.Handle, out var file) || read.Offset > long.MaxValue)
        {
            request.Fail(Errno.Stale);
            return;
        }

        var size = (int)Math.Min(read.Size, Limits.PosixReadBytes);
        if (!file.Held.IsReady || buffers.TryRent() is not { } buffer)
        {
            file.Use();
            pending.Run(in request, one => ReadAsync(file, read, one));
            return;
        }

        var reading = file.Held.ReadAsync((long)read.Offset, buffer.Memory[..size], CancellationToken.None);
        if (!reading.IsCompletedSuccessfully)
        {
            file.Use();
            pending.Run(in request, one => FinishAsync(file, buffer, reading, one));
            return;
        }

        var outcome = reading.Result;
        if (outcome.TryGet(out var bytes, out _))
        {
            parts.Counters.AddRead(bytes);
            request.Channel.Answer(request.Unique, buffer.GetSpan()[..bytes]);
        }
        else
        {
            request.Fail(Errno.Io);
        }

        buffers.Return(buffer);
    }

    private async Task ReadAsync(OpenFile file, ReadIn read, PendingRequest request)
    {
        try
        {
            var buffer = await buffers.RentAsync(request.Cancelled).ConfigureAwait(false);
            file.Use();
            var size = (int)Math.Min(read.Size, Limits.PosixReadBytes);
            await FinishAsync(
                file, buffer, file.Held.ReadAsync((long)read.Offset, buffer.Memory[..size], request.Cancelled), request)
                .ConfigureAwait(false);
        }
        finally
        {
            file.Release();
        }
    }

    private async Task FinishAsync(
        OpenFile file, ReplyBuffer buffer, ValueTask<Result<int>> reading, PendingRequest request)
    {
        try
        {
            var outcome = await reading.ConfigureAwait(false);
            if (outcome.TryGet(out var bytes, out _))
            {
                parts.Counters.AddRead(bytes);
                request.Answer(buffer.GetSpan()[..bytes]);
            }
            else
            {
                request.Fail(Errno.Io);
            }
        }
        finally
        {
            buffers.Return(buffer);
            file.Release();
        }
    }

    private void StatFs(in Request request)
    {
        var (capacity, used) = parts.Files.GetSpace();
        var free = (ulong)Math.Max(0, capacity - used) / NodeAttributes.BlockBytes;
        var answer = new StatFsOut
        {
            Blocks = (ulong)capacity / NodeAttributes.BlockBytes,
            FreeBlocks = free,
            AvailableBlocks = free,
            BlockSize = NodeAttributes.BlockBytes,
            FragmentSize = NodeAttributes.BlockBytes,
            NameLength = Limits.FileNameBytes,
        };
        request.Answer(in answer);
    }
}
