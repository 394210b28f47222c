namespace Thaw.Bench.ColdStart;

/// <summary>
/// Memory that the host has given to this machine, held in a file until the caches need it. A virtual machine's free
/// memory may belong to the host; touching it then costs many times what writing a byte does, which eight nodes that
/// share two processors would pay and real ones do not. Pages that were just freed are handed out first.
/// </summary>
internal sealed class TouchedMemory : IDisposable
{
    private const long AheadBytes = 1L << 30;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly long _bytes;

    public TouchedMemory(string folder, long bytes)
    {
        (_bytes, _file) = (bytes, new FileStream(
            Path.Combine(folder, "touched"), FileMode.Create, FileAccess.Write, FileShare.None, 0));
        var piece = new byte[8 << 20];
        for (long done = 0; done < bytes; done += piece.Length)
            _file.Write(piece);
    }

    /// <summary>So much of it has been used; a little more is let go.</summary>
    public void Use(long bytes)
    {
        lock (_gate)
        {
            var left = Math.Max(0, _bytes - bytes - AheadBytes);
            if (left < _file.Length)
                _file.SetLength(left);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_file.Name);
    }
}
