using Microsoft.Win32.SafeHandles;
using Thaw.Storage.Disks;

namespace Thaw.Tests.Storage;

/// <summary>
/// A file system over a real folder with faults: errors of chosen calls, and a power cut that undoes every write since
/// the file's last sync (as if the machine had stopped). Reads and sizes are real.
/// </summary>
internal sealed class FaultyDisk : FileSystem
{
    private readonly Lock _gate = new();
    private readonly List<FaultyFile> _files = [];

    /// <summary>Asked before each write; an exception is the disk's answer.</summary>
    public Action<string>? BeforeWrite { get; set; }

    /// <summary>Asked before each sync; an exception is the disk's answer.</summary>
    public Action<string>? BeforeSync { get; set; }

    /// <summary>Asked before each read that is not from the page cache; an exception is the disk's answer.</summary>
    public Action<string>? BeforeRead { get; set; }

    /// <summary>Asked before a file is unlinked; an exception is the disk's answer.</summary>
    public Action<string>? BeforeDelete { get; set; }

    /// <summary>Whether nothing is in the page cache.</summary>
    public bool IsCold { get; set; }

    public override void Delete(string path)
    {
        BeforeDelete?.Invoke(path);
        base.Delete(path);
    }

    public override void ReplaceText(string path, string text)
    {
        BeforeWrite?.Invoke(path);
        base.ReplaceText(path, text);
    }

    public override DiskFile Open(string path, FileMode mode)
    {
        var file = new FaultyFile(this, path, File.OpenHandle(
            path, mode, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete));
        lock (_gate)
            _files.Add(file);
        return file;
    }

    /// <summary>Undoes what no sync has made durable, newest first. Call it after the store is gone.</summary>
    public void CutPower()
    {
        lock (_gate)
        {
            foreach (var file in _files.AsEnumerable().Reverse())
                file.Undo();
            _files.Clear();
        }
    }

    private sealed class FaultyFile(FaultyDisk disk, string path, SafeFileHandle handle) : DiskFile(handle)
    {
        private readonly Stack<(long Offset, byte[] Before)> _unsynced = new();

        public override int TryReadCached(Span<byte> destination, long offset) =>
            disk.IsCold ? -1 : base.TryReadCached(destination, offset);

        public override int Read(Span<byte> destination, long offset)
        {
            disk.BeforeRead?.Invoke(path);
            return base.Read(destination, offset);
        }

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            disk.BeforeWrite?.Invoke(path);
            var before = new byte[bytes.Length];
            base.Read(before, offset);
            lock (disk._gate)
                _unsynced.Push((offset, before));
            base.Write(bytes, offset);
        }

        public override void Sync()
        {
            disk.BeforeSync?.Invoke(path);
            base.Sync();
            lock (disk._gate)
                _unsynced.Clear();
        }

        public void Undo()
        {
            if (!File.Exists(path))
                return;
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
            while (_unsynced.TryPop(out var write))
                RandomAccess.Write(file, write.Before, write.Offset);
        }
    }
}
