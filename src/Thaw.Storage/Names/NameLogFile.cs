using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Names;

/// <summary>
/// The file of a names log, written by one caller at a time (the writer's task). Errors of the disk are
/// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>; the file stays usable after any of them.
/// <para>
/// What a crash leaves: in an append, whole records and at most one torn one at the end, which the next open cuts. In a
/// rewrite: before the rename the old log and a temporary file, which is overwritten by the next rewrite; after it the
/// new log, whole and on disk, since it was synced before. A power cut before the directory's sync leaves either.
/// </para>
/// <para>
/// Bytes behind <see cref="End"/> left by a failed append are cut before anything is appended again: they may hold
/// whole records, which would come back behind newer ones.
/// </para>
/// </summary>
internal sealed class NameLogFile(string path, string mount) : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly NameLogSeed _seed = new(mount);
    private readonly byte[] _buffer = new byte[BufferBytes];
    private SafeFileHandle? _file;
    private int _buffered;
    private bool _tailIsDirty;

    /// <summary>Writes one record at the start of a span and returns its length.</summary>
    public delegate int Record(Span<byte> target, uint seed);

    public string Path => path;

    /// <summary>A rewrite is due before anything else: no file, damage in it, or a sync that failed.</summary>
    public bool NeedsRewrite { get; set; } = true;

    /// <summary>Offset behind the last record that was handed to the kernel.</summary>
    public long End { get; private set; }

    public bool IsUnsynced { get; private set; }

    /// <summary>Takes over an opened log that was read to <paramref name="end"/>.</summary>
    public void Adopt(SafeFileHandle file, long end, bool tailIsTorn, bool isDamaged)
    {
        (_file, End, NeedsRewrite, _tailIsDirty) = (file, end, isDamaged, tailIsTorn);
        if (tailIsTorn && !isDamaged)
            CutTail();
    }

    /// <summary>
    /// Adds a record to the batch; the kernel gets it by <see cref="Flush"/> or when the buffer is full.
    /// </summary>
    public void Append(Record write)
    {
        if (_buffered + NameRecord.MostBytes > _buffer.Length)
            Flush();
        _buffered += write(_buffer.AsSpan(_buffered), _seed.At(End + _buffered));
    }

    /// <summary>Hands the batch to the kernel, whole or not at all.</summary>
    public void Flush()
    {
        var bytes = _buffer.AsMemory(0, _buffered);
        _buffered = 0;
        if (bytes.IsEmpty)
            return;
        if (_tailIsDirty)
            CutTail();
        _tailIsDirty = true;
        RandomAccess.Write(_file!, bytes.Span, End);
        _tailIsDirty = false;
        End += bytes.Length;
        IsUnsynced = true;
    }

    /// <summary>Forgets what was appended since the last <see cref="Flush"/>.</summary>
    public void Discard() => _buffered = 0;

    public void Sync()
    {
        if (!IsUnsynced)
            return;
        // After a failed sync the kernel may have dropped the pages and call them clean: only a new file helps.
        NeedsRewrite = true;
        RandomAccess.FlushToDisk(_file!);
        (NeedsRewrite, IsUnsynced) = (false, false);
    }

    /// <summary>Replaces the log by one that holds just these entries, synced.</summary>
    public void Rewrite(IEnumerable<PackedName> names)
    {
        var temporary = path + ".new";
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        var (oldFile, oldEnd, oldDirty) = (_file, End, _tailIsDirty);
        SafeFileHandle? file = null;
        NeedsRewrite = true;
        try
        {
            file = File.OpenHandle(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
            RandomAccess.Write(file, NameLogHeader.Write(mount), 0);
            (_file, End, _tailIsDirty) = (file, NameLogHeader.Bytes, false);
            foreach (var name in names)
                Append((target, seed) => NameRecord.WritePut(target, seed, name));
            Flush();
            RandomAccess.FlushToDisk(file);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            Discard();
            (_file, End, _tailIsDirty) = (oldFile, oldEnd, oldDirty);
            file?.Dispose();
            throw;
        }

        oldFile?.Dispose();
        IsUnsynced = false;
        DirectorySync.Sync(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        NeedsRewrite = false;
    }

    public void Dispose() => _file?.Dispose();

    private void CutTail()
    {
        RandomAccess.SetLength(_file!, End);
        _tailIsDirty = false;
    }
}
