using System.Collections.Concurrent;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>
/// What each version on a disk occupies and when it was last used: what the scan and every write, loss and drop enter,
/// and what eviction reads. Any thread.
/// </summary>
internal sealed class Accounts
{
    private readonly ConcurrentDictionary<ContentId, Account> _accounts = new();
    private long _bytes;

    /// <summary>Bytes of whole chunks on this disk.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Chunks that those bytes make: whole ones, and a last one for each version.</summary>
    public long Chunks =>
        _accounts.Sum(account => (account.Value.Bytes + Geometry.ChunkBytes - 1) / Geometry.ChunkBytes);

    public int Versions => _accounts.Count;

    public IEnumerable<KeyValuePair<ContentId, Account>> All => _accounts;

    /// <summary>Makes sure that a version is known; what is known already stays.</summary>
    public void Enter(ContentId id, long bytes, long lastUsed)
    {
        if (_accounts.TryAdd(id, new Account { Bytes = bytes, LastUsed = lastUsed }))
            Interlocked.Add(ref _bytes, bytes);
    }

    public long BytesOf(ContentId id) =>
        _accounts.TryGetValue(id, out var account) ? Volatile.Read(ref account.Bytes) : 0;

    public bool Contains(ContentId id) => _accounts.ContainsKey(id);

    public void Add(ContentId id, long bytes)
    {
        if (!_accounts.TryGetValue(id, out var account))
            return;
        lock (account)
        {
            // What was removed meanwhile has given all its bytes back already.
            if (account.IsRemoved)
                return;
            account.Bytes += bytes;
            Interlocked.Add(ref _bytes, bytes);
        }
    }

    public void Touch(ContentId id, long now)
    {
        if (_accounts.TryGetValue(id, out var account))
            Volatile.Write(ref account.LastUsed, now);
    }

    /// <summary>What the scan knows of the past; a use in this run is later.</summary>
    public void SetLastUsed(ContentId id, long lastUsed)
    {
        if (_accounts.TryGetValue(id, out var account))
            Volatile.Write(ref account.LastUsed, Math.Max(lastUsed, Volatile.Read(ref account.LastUsed)));
    }

    public long Remove(ContentId id)
    {
        if (!_accounts.TryRemove(id, out var account))
            return 0;
        lock (account)
        {
            account.IsRemoved = true;
            Interlocked.Add(ref _bytes, -account.Bytes);
            return account.Bytes;
        }
    }

    internal sealed class Account
    {
        public long Bytes;
        public long LastUsed;
        public bool IsRemoved;
    }
}
