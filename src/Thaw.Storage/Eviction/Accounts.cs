using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Memory;

namespace Thaw.Storage.Eviction;

/// <summary>
/// What each version on a disk occupies. Read by any thread, changed under the gate of <see cref="DiskSpace"/> alone.
/// </summary>
internal sealed class Accounts
{
    private readonly ObjectTable<Account> _accounts = new(account => (uint)account.Id.GetHashCode());
    private long _bytes;

    /// <summary>Bytes of whole chunks on this disk.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Chunks that those bytes make: whole ones, and a last one for each version.</summary>
    public long Chunks =>
        _accounts.All.Sum(account => (account.Bytes + Geometry.ChunkBytes - 1) / Geometry.ChunkBytes);

    public int Versions => _accounts.Count;

    /// <summary>All accounts, as of about now.</summary>
    public IEnumerable<Account> All => _accounts.All;

    /// <summary>A version that has no account yet.</summary>
    public Account Enter(ContentId id, long sizeBytes, long bytes)
    {
        var account = new Account(id, sizeBytes);
        account.TryAdd(bytes);
        _accounts.Add(account);
        Volatile.Write(ref _bytes, _bytes + bytes);
        return account;
    }

    public Account? Find(ContentId id)
    {
        foreach (var account in _accounts.Of((uint)id.GetHashCode()))
            if (account.Id == id)
                return account;
        return null;
    }

    public long BytesOf(ContentId id) => Find(id)?.Bytes ?? 0;

    public bool Contains(ContentId id) => Find(id) is not null;

    public void Add(Account account, long bytes)
    {
        if (account.TryAdd(bytes))
            Volatile.Write(ref _bytes, _bytes + bytes);
    }

    /// <summary>Takes an account out; returns the bytes that it had.</summary>
    public long Remove(Account account)
    {
        _accounts.Remove(account);
        var bytes = account.Remove();
        Volatile.Write(ref _bytes, _bytes - bytes);
        return bytes;
    }
}
