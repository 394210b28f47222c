using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.Extensions.Logging;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>
/// What a node knows of one mount's keys: in memory, and in one checksummed append-only log.
/// <para>
/// Invariants: memory is what callers see; the log follows it and is read only by <see cref="Open"/>. Readers take no
/// lock. Changes take one short lock, never held over I/O. A log that cannot be written never fails a caller.
/// A lost log costs questions to the origin and pins, never data.
/// </para>
/// <para>
/// May be called from any thread. What a crash leaves: kill -9, all that the writer handed to the kernel (it is woken
/// by each change, so all but the last moments; times: all but the last minute). A power cut: all up to the last sync
/// (5 s), perhaps more, with a torn tail that <see cref="Open"/> cuts. Each key is then as it once was, or absent.
/// </para>
/// </summary>
public sealed class NameTable : IAsyncDisposable
{
    private readonly NameState _state;
    private readonly NameLogWriter? _writer;
    private readonly string? _refusal;

    private NameTable(NameState state, NameLogWriter? writer, string? refusal) =>
        (_state, _writer, _refusal) = (state, writer, refusal);

    /// <summary>Number of names.</summary>
    public int Count => _state.Index.Count;

    /// <summary>
    /// Why names are not reaching the log at present, in one sentence; null: they are, or there is no log.
    /// </summary>
    public string? LogProblem => _refusal ?? _writer?.Problem;

    /// <summary>
    /// Opens a mount's names. A log that is missing, damaged, unreadable or of a newer format gives a table with
    /// what could be read; <see cref="LogProblem"/> and the logger tell.
    /// </summary>
    /// <param name="mount">The mount's name: it seeds the sums of the log's records.</param>
    /// <param name="logPath">The log; null: memory only.</param>
    /// <param name="time">Drives syncs and the logging of times.</param>
    /// <param name="logger">Told what was cut, what is damaged, and when the disk fails.</param>
    /// <exception cref="ArgumentException">The mount's name is empty or longer than a header holds.</exception>
    public static NameTable Open(string mount, string? logPath, TimeProvider time, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(mount);
        if (Encoding.UTF8.GetByteCount(mount) > NameLogHeader.MostNameBytes)
            throw new ArgumentException(
                $"A mount's name has at most {NameLogHeader.MostNameBytes} bytes.", nameof(mount));
        if (logPath is null)
            return new NameTable(new NameState(new NameIndex(NamePages.Empty)), null, null);
        var (names, file, refusal) = NameLogOpening.Open(mount, logPath, logger);
        var state = new NameState(new NameIndex(names));
        var writer = file is null ? null : new NameLogWriter(mount, file, state, time, logger);
        return new NameTable(state, writer, refusal);
    }

    /// <summary>A mount's names in memory only, though there ought to be a log.</summary>
    /// <param name="problem">Why, in one sentence.</param>
    public static NameTable WithoutLog(string problem) =>
        new(new NameState(new NameIndex(NamePages.Empty)), null, problem);

    /// <summary>What is known of a key.</summary>
    public bool TryGet(string key, [MaybeNullWhen(false)] out NameEntry entry) => _state.Index.TryGet(key, out entry);

    /// <summary>
    /// Remembers an entry in place of what was known of its key. False if it exceeds a limit (key 1024 bytes, metadata
    /// 8 KiB, ETag and media type 1024 bytes, all well-formed): then nothing is known of the key any more.
    /// </summary>
    public bool Put(NameEntry entry)
    {
        if (!NameRecord.Fits(entry))
        {
            Remove(entry.Key);
            return false;
        }

        _state.Put(entry.Key, PackedName.Of(entry));
        _writer?.Wake();
        return true;
    }

    /// <summary>Forgets a key; false if it was not known.</summary>
    public bool Remove(string key) => Changed(_state.Remove(key));

    /// <summary>Pins or unpins a key; false if it is not known.</summary>
    public bool SetPinned(string key, bool pinned) => Changed(_state.SetPinned(key, pinned));

    /// <summary>
    /// The origin confirmed the key's version at this time; false if the key is not known. Logged once a minute.
    /// </summary>
    public bool TouchAsked(string key, DateTimeOffset time) => _state.Touch(key, time, null);

    /// <summary>A reader used the key at this time; false if the key is not known. Logged once a minute.</summary>
    public bool TouchUsed(string key, DateTimeOffset time) => _state.Touch(key, null, time);

    /// <summary>One page of the known keys in UTF-8 byte order, as an origin would list them.</summary>
    public ListPage List(ListRequest request) => NameListing.Page(_state.Index.Pages, request);

    /// <summary>All entries in key order: the keys are those of this moment.</summary>
    public IEnumerable<NameEntry> All() => WithPrefix("");

    /// <summary>The entries whose keys start with a prefix, in key order: the keys are those of this moment.</summary>
    public IEnumerable<NameEntry> WithPrefix(string prefix) =>
        NameListing.WithPrefix(_state.Index.Pages, prefix).Select(_state.Index.Now).OfType<NameEntry>();

    /// <summary>The names whose version has this content; empty if none has.</summary>
    public ImmutableArray<NameEntry> NamesOf(ContentId content) => _state.Index.NamesOf(content);

    /// <summary>Whether a content has names, and whether any of them is pinned; costs no memory.</summary>
    public (bool IsNamed, bool IsPinned) KeepOf(ContentId content) => _state.Index.KeepOf(content);

    /// <summary>
    /// Waits until all earlier changes are on disk. False if they are not, because the log cannot be written
    /// (<see cref="LogProblem"/>). Without a log there is nothing to wait for.
    /// </summary>
    public async ValueTask<bool> FlushAsync(CancellationToken cancellationToken) =>
        _writer is null ? _refusal is null : await _writer.FlushAsync(cancellationToken);

    /// <summary>Writes and syncs what is left, and closes the log. Changes after this are not logged.</summary>
    public ValueTask DisposeAsync() => _writer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private bool Changed(bool changed)
    {
        if (changed)
            _writer?.Wake();
        return changed;
    }
}
