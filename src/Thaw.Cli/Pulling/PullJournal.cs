using System.Globalization;
using System.Text;

namespace Thaw.Cli.Pulling;

/// <summary>
/// Which parts of an object are written, with the CRC-32C of each, in a small text file beside the part file. A line is
/// added after the part's bytes are written. After a crash of the machine a line may be there without its bytes, so
/// whoever resumes reads the parts back and compares; a torn last line is ignored. A header of another version starts
/// over. Any thread may add.
/// </summary>
internal sealed class PullJournal : IDisposable
{
    /// <summary>Ending of a file that is not complete yet.</summary>
    public const string PartSuffix = ".thaw-part";

    /// <summary>Ending of its journal.</summary>
    public const string JournalSuffix = ".thaw-journal";

    private readonly Lock _lock = new();
    private readonly FileStream _stream;

    private PullJournal(FileStream stream, IReadOnlyDictionary<int, uint> written) =>
        (_stream, Written) = (stream, written);

    /// <summary>Parts that an earlier run wrote, with their CRCs.</summary>
    public IReadOnlyDictionary<int, uint> Written { get; }

    /// <summary>Opens the journal of a version, or starts a new one.</summary>
    /// <exception cref="IOException">Another process holds it.</exception>
    public static PullJournal Open(string path, string etag, long size, int partBytes)
    {
        var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var header = string.Create(CultureInfo.InvariantCulture, $"thaw-pull 1 {size} {partBytes} {etag}");
        var lines = ReadLines(stream);
        var written = new Dictionary<int, uint>();
        if (lines.Length > 0 && lines[0] == header)
        {
            foreach (var line in lines.Skip(1))
                if (Parse(line) is { } entry)
                    written[entry.Part] = entry.Crc;
        }
        else
        {
            stream.SetLength(0);
            stream.Write(Encoding.UTF8.GetBytes(header + "\n"));
            stream.Flush();
        }

        stream.Seek(0, SeekOrigin.End);
        return new PullJournal(stream, written);
    }

    /// <summary>Notes a part whose bytes are written.</summary>
    public void Add(int part, uint crc)
    {
        var line = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{part} {crc:x8}\n"));
        lock (_lock)
        {
            _stream.Write(line);
            _stream.Flush();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _stream.Dispose();

    // Only whole lines; the file is cut behind the last one so that the next line starts afresh.
    private static string[] ReadLines(FileStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var text = reader.ReadToEnd();
        var end = text.LastIndexOf('\n') + 1;
        stream.SetLength(Encoding.UTF8.GetByteCount(text.AsSpan(0, end)));
        return end == 0 ? [] : text[..(end - 1)].Split('\n');
    }

    private static (int Part, uint Crc)? Parse(string line)
    {
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        return space > 0
            && int.TryParse(line.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var part)
            && uint.TryParse(
                line.AsSpan(space + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var crc)
            ? (part, crc) : null;
    }
}
