using Microsoft.Win32.SafeHandles;
using Thaw.Storage.Disks;

namespace Thaw.Tests.Storage.Model;

/// <summary>
/// A file system in memory below the store, with faults: errors of chosen calls, writes and reads that end early, syncs
/// that fail, power cuts that keep some sectors and the first few changes of each folder, rot. Folders are always
/// there. A process that is killed loses its handles at once (<see cref="Kill"/>): whatever its threads still try
/// fails.
/// </summary>
internal sealed class MemoryDisk : FileSystem
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, MemoryFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<(string Path, MemoryFile? Before)>> _changes = new(StringComparer.Ordinal);
    private bool _isLocked;

    /// <summary>The fault of the operation under way; fires once.</summary>
    public DiskFault? Fault { get; set; }

    /// <summary>The process that uses the disk now.</summary>
    public Lifetime Process { get; private set; } = new();

    /// <summary>Handles that are open.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>Whether reads from the page cache find nothing.</summary>
    public bool IsCold { get; set; }

    public IReadOnlyCollection<string> Paths => _files.Keys;

    public long AllocatedBytes(string extension) => _files
        .Where(file => file.Key.EndsWith(extension, StringComparison.Ordinal)).Sum(file => file.Value.AllocatedBytes);

    public MemoryFile? Find(string path) => _files.GetValueOrDefault(path);

    /// <summary>
    /// The process is gone, in the middle of whatever it did: nothing more that it tries succeeds, until the next one
    /// takes the lock.
    /// </summary>
    public void Kill()
    {
        lock (_gate)
        {
            Process.IsDead = true;
            _isLocked = false;
        }
    }

    /// <summary>The machine stops. Kill the process first.</summary>
    public void CutPower(Random random)
    {
        lock (_gate)
        {
            foreach (var (_, changes) in _changes.OrderBy(folder => folder.Key, StringComparer.Ordinal))
            {
                // A journal keeps the first ones.
                var kept = random.Next(changes.Count + 1);
                for (var index = changes.Count - 1; index >= kept; index--)
                    Put(changes[index].Path, changes[index].Before);
            }

            _changes.Clear();
            foreach (var (_, file) in _files.OrderBy(file => file.Key, StringComparer.Ordinal))
                file.CutPower(random);
        }
    }

    public override DiskFile Open(string path, FileMode mode)
    {
        lock (_gate)
        {
            Enter(FaultKind.Open, path);
            var exists = _files.TryGetValue(path, out var file);
            if (!exists && mode == FileMode.Open)
                throw new FileNotFoundException(path);
            if (exists && mode == FileMode.CreateNew)
                throw new IOException($"{path} exists", 17);
            if (!exists)
                Change(path, file = new MemoryFile());
            OpenFiles++;
            return new OpenFile(this, Process, file!, path, isDirect: false);
        }
    }

    public override DiskFile? TryOpenDirect(string path)
    {
        lock (_gate)
        {
            Enter(FaultKind.Open, path);
            OpenFiles++;
            return new OpenFile(
                this, Process, _files.GetValueOrDefault(path) ?? throw new FileNotFoundException(path), path, true);
        }
    }

    public override void CreateFolder(string path)
    {
    }

    public override void SyncFolder(string path)
    {
        lock (_gate)
        {
            Enter(FaultKind.Sync, path);
            _changes.Remove(path);
        }
    }

    public override void Delete(string path)
    {
        lock (_gate)
        {
            Enter(FaultKind.Delete, path);
            if (_files.ContainsKey(path))
                Change(path, null);
        }
    }

    public override bool Exists(string path)
    {
        lock (_gate)
            return _files.ContainsKey(path);
    }

    public override DateTimeOffset LastWritten(string path) => DateTimeOffset.UnixEpoch;

    public override IEnumerable<string> List(string folder)
    {
        lock (_gate)
            return [.. _files.Keys.Where(path => path.StartsWith(folder + "/", StringComparison.Ordinal))
                .Select(path => folder + "/" + path[(folder.Length + 1)..].Split('/')[0])
                .Distinct().Order(StringComparer.Ordinal)];
    }

    public override string? ReadText(string path)
    {
        lock (_gate)
        {
            Process.ThrowIfDead();
            if (!_files.TryGetValue(path, out var file))
                return null;
            var bytes = new byte[file.Length];
            file.Read(bytes, 0);
            return System.Text.Encoding.ASCII.GetString(bytes);
        }
    }

    public override void ReplaceText(string path, string text)
    {
        lock (_gate)
        {
            Enter(FaultKind.Write, path);
            var file = new MemoryFile();
            file.Write(System.Text.Encoding.ASCII.GetBytes(text), 0);
            file.Sync();
            Put(path, file);
        }
    }

    public override IDisposable? TryLock(string path)
    {
        lock (_gate)
        {
            if (_isLocked)
                return null;
            _isLocked = true;
            if (Process.IsDead)
                Process = new Lifetime();
            return new HeldLock(this, Process);
        }
    }

    public override (long TotalBytes, long FreeBytes) GetSpace(string path) => (1L << 40, 1L << 40);

    private void Enter(FaultKind kind, string path)
    {
        Process.ThrowIfDead();
        if (Fault is { } fault && fault.IsDue(kind, path))
            throw Fire(fault);
    }

    private IOException Fire(DiskFault fault)
    {
        if (fault.Kills)
            Kill();
        return fault.Error();
    }

    private void Change(string path, MemoryFile? file)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!_changes.TryGetValue(folder, out var changes))
            _changes.Add(folder, changes = []);
        changes.Add((path, _files.GetValueOrDefault(path)));
        Put(path, file);
    }

    private void Put(string path, MemoryFile? file)
    {
        if (file is null)
            _files.Remove(path);
        else
            _files[path] = file;
    }

    /// <summary>A process: its handles fail once it is dead.</summary>
    internal sealed class Lifetime
    {
        public bool IsDead { get; set; }

        public void ThrowIfDead()
        {
            if (IsDead)
                throw new IOException("The process is dead.", 5);
        }
    }

    private sealed class HeldLock(MemoryDisk disk, Lifetime process) : IDisposable
    {
        public void Dispose()
        {
            if (!process.IsDead)
                disk._isLocked = false;
        }
    }

    private sealed class OpenFile(MemoryDisk disk, Lifetime process, MemoryFile file, string path, bool isDirect)
        : DiskFile(new SafeFileHandle(-1, ownsHandle: false))
    {
        private bool _closed;

        public override long Length
        {
            get
            {
                lock (disk._gate)
                    return file.Length;
            }
        }

        public override int TryReadCached(Span<byte> destination, long offset)
        {
            lock (disk._gate)
            {
                var read = disk.IsCold || process.IsDead ? 0 : file.Read(destination, offset);
                return read > 0 ? read : -1;
            }
        }

        public override int Read(Span<byte> destination, long offset)
        {
            lock (disk._gate)
            {
                process.ThrowIfDead();
                var read = file.Read(destination, offset, isDirect);
                if (disk.Fault is not { } fault || !fault.IsDue(FaultKind.Read, path))
                    return read;
                return fault.Share is { } share ? (int)(read * share) : throw disk.Fire(fault);
            }
        }

        public override void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            lock (disk._gate)
            {
                process.ThrowIfDead();
                if (disk.Fault is not { } fault || !fault.IsDue(FaultKind.Write, path))
                {
                    file.Write(bytes, offset);
                    return;
                }

                // A write ends early between two sectors, never within one.
                var end = offset + (long)(bytes.Length * (fault.Share ?? 0));
                file.Write(bytes[..(int)Math.Max(0, end - end % MemoryFile.SectorBytes - offset)], offset);
                throw disk.Fire(fault);
            }
        }

        public override void SetLength(long length)
        {
            lock (disk._gate)
            {
                disk.Enter(FaultKind.Write, path);
                file.SetLength(length);
            }
        }

        public override long AllocatedBytes
        {
            get
            {
                lock (disk._gate)
                    return file.AllocatedBytes;
            }
        }

        public override void Punch(long start, long end)
        {
            lock (disk._gate)
            {
                disk.Enter(FaultKind.Write, path);
                file.Punch(start, end);
            }
        }

        public override void Sync()
        {
            lock (disk._gate)
            {
                process.ThrowIfDead();
                if (disk.Fault is { } fault && fault.IsDue(FaultKind.Sync, path))
                {
                    if (!fault.Kills)
                        file.FailSync();
                    throw disk.Fire(fault);
                }

                file.Sync();
            }
        }

        protected override void Dispose(bool disposing)
        {
            lock (disk._gate)
            {
                if (!_closed)
                    disk.OpenFiles--;
                _closed = true;
            }

            base.Dispose(disposing);
        }
    }
}
