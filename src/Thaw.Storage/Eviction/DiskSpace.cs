using Thaw.Core.Identity;
using Thaw.Storage.Format;

namespace Thaw.Storage.Eviction;

/// <summary>
/// The room on one disk: what each version occupies and how warm it is, what may be written, and what is the next to
/// go. No I/O. Any thread.
/// <para>Invariants: what is used, reserved and unlinked but held together never exceeds the capacity; a version that
/// is held or pinned is no victim; each account is among the victims or set aside.</para>
/// <para>Until the scan has seen every version, what it has not seen of the bytes that the last run noted counts as
/// used; without notes the disk counts as full.</para>
/// </summary>
internal sealed class DiskSpace
{
    /// <summary>What others hold counts an eighth, what nobody else holds eight times.</summary>
    private const double ClusterBias = 3;

    /// <summary>Milliseconds within which uses are one.</summary>
    private const long Precision = 1;

    private readonly Lock _gate = new();
    private readonly object _letGo = new();
    private readonly IKeepRules _rules;
    private readonly Func<ContentId, bool> _isHeld;
    private readonly HeatOrder _order;
    private readonly Dictionary<int, long> _reservedOf = [];
    private readonly OwnerBytes _ownerBytes = new();
    private readonly HashSet<Account> _aside = [];
    private long _heldBytes;
    private long _reservedBytes;
    private long _expectedBytes;
    private long _besideBytes;
    private long _capacity;

    public DiskSpace(long capacityBytes, IKeepRules rules, Func<ContentId, bool> isHeld)
    {
        (Configured, _capacity, _rules, _isHeld) = (capacityBytes, capacityBytes, rules, isHeld);
        _order = new HeatOrder(capacityBytes);
        _expectedBytes = capacityBytes;
    }

    /// <summary>Most bytes of versions, as configured.</summary>
    public long Configured { get; private set; }

    /// <summary>Most bytes of versions; less than configured while others fill the disk.</summary>
    public long Capacity => Volatile.Read(ref _capacity);

    /// <summary>Above so many used bytes something goes in the background, so that no writer waits for it.</summary>
    public long HighWater => Capacity - Reserve / 2;

    /// <summary>So many used bytes are left when something has gone in the background.</summary>
    public long LowWater => Capacity - Reserve;

    /// <summary>What each version occupies.</summary>
    public Accounts Accounts { get; } = new();

    /// <summary>
    /// Bytes that are written or promised, those of unlinked versions that somebody holds, and the versions' maps.
    /// </summary>
    public long UsedBytes => Accounts.Bytes + Volatile.Read(ref _expectedBytes) + Volatile.Read(ref _besideBytes)
        + Volatile.Read(ref _heldBytes) + Volatile.Read(ref _reservedBytes);

    /// <summary>The same without what goes by itself when its holders let go.</summary>
    public long KeptBytes => UsedBytes - Volatile.Read(ref _heldBytes);

    /// <summary>Told, at most once a crossing, that more is used than the high water mark says.</summary>
    public Action Full { get; set; } = static () => { };

    // A small cache has no room to keep free: there, writers make their own.
    private long Reserve => Capacity < 4L << 30 ? 0 : Math.Min(Capacity / 32, 1L << 30);

    /// <summary>The capacity was changed, or others take more or less of the disk.</summary>
    public void SetCapacity(long configured, long present)
    {
        lock (_gate)
        {
            Configured = configured;
            Volatile.Write(ref _capacity, Math.Min(configured, present));
            _order.CapacityBytes = Math.Max(1, configured);
        }

        if (KeptBytes > HighWater)
            Full();
    }

    /// <summary>A version is here; what is known of it already stays.</summary>
    public void Enter(ContentId id, long sizeBytes, long bytes)
    {
        var rule = _rules.Of(id);
        lock (_gate)
        {
            if (Accounts.Contains(id))
                return;
            var account = Accounts.Enter(id, sizeBytes, bytes);
            Volatile.Write(ref _besideBytes, _besideBytes + MapLayout.BesideBytes(sizeBytes));
            Volatile.Write(ref _expectedBytes, Math.Max(0, _expectedBytes - bytes));
            (account.Owner, account.Bias) = (rule.Owner, BiasOf(rule));
            _ownerBytes.Add(account.Owner, bytes);
            _order.Enter(account);
        }
    }

    /// <summary>Bytes of a version came or went.</summary>
    public void Add(ContentId id, long bytes)
    {
        lock (_gate)
        {
            if (Accounts.Find(id) is not { } account)
                return;
            Accounts.Add(account, bytes);
            _ownerBytes.Add(account.Owner, bytes);
        }
    }

    /// <summary>A version is unlinked; returns the bytes that it had.</summary>
    public long Remove(ContentId id)
    {
        lock (_gate)
        {
            if (Accounts.Find(id) is not { } account)
                return 0;
            var bytes = Accounts.Remove(account);
            Volatile.Write(ref _besideBytes, _besideBytes - MapLayout.BesideBytes(account.SizeBytes));
            account.IsAside = false;
            _aside.Remove(account);
            _ownerBytes.Add(account.Owner, -bytes);
            _order.Leave(account);
            return bytes;
        }
    }

    /// <summary>What the scan knows of the past; a use in this run is later.</summary>
    public void NoteWritten(ContentId id, long lastWritten)
    {
        if (Accounts.Find(id) is not { LastUsed: 0 } account)
            return;
        lock (_gate)
            if (!account.IsRemoved)
                _order.Touch(account, lastWritten);
    }

    /// <summary>A reader or writer uses a version now.</summary>
    public void NoteUse(ContentId id, long now)
    {
        if (Accounts.Find(id) is not { } account || account.LastUsed + Precision > now)
            return;
        lock (_gate)
            if (!account.IsRemoved)
                _order.Touch(account, now);
    }

    /// <summary>Bytes of a version were read, from here or elsewhere.</summary>
    public void NoteRead(ContentId id, long sizeBytes, long bytes)
    {
        var account = Accounts.Find(id);
        lock (_gate)
        {
            if (account is { IsRemoved: false })
                _order.Read(account, bytes);
            else
                _order.ReadGone(id, sizeBytes, bytes);
        }
    }

    /// <summary>A version took the place of another one under its name, and no other name has the old one.</summary>
    public void NoteReplaced(ContentId old, ContentId @new)
    {
        var account = Accounts.Find(old);
        lock (_gate)
            _order.Replace(account, old, @new);
    }

    /// <summary>The last holder of a version has let go.</summary>
    public void NoteIdle(ContentId id)
    {
        if (Accounts.Find(id) is not { IsAside: true } account)
            return;
        lock (_gate)
            PutBack(account);
    }

    /// <summary>Pins, owners or the cluster have changed: every version is looked at anew.</summary>
    public void NoteRules()
    {
        foreach (var account in Accounts.All)
        {
            var rule = _rules.Of(account.Id);
            lock (_gate)
            {
                if (account.IsRemoved)
                    continue;
                _ownerBytes.Add(account.Owner, -account.Bytes);
                _order.Place(account, rule.Owner, BiasOf(rule));
                _ownerBytes.Add(account.Owner, account.Bytes);
                if (account.IsAside)
                    PutBack(account);
            }
        }
    }

    /// <summary>Bytes of an unlinked version stay on the disk as long as somebody holds it.</summary>
    public void HoldUnlinked(long bytes) => Interlocked.Add(ref _heldBytes, bytes);

    /// <summary>The last holder of an unlinked version has let go.</summary>
    public void LetUnlinkedGo(long bytes)
    {
        Interlocked.Add(ref _heldBytes, -bytes);
        lock (_letGo)
            Monitor.PulseAll(_letGo);
    }

    /// <summary>
    /// Waits until there is room for so many bytes, as long as nothing but unlinked versions that somebody holds is in
    /// its way; false if that takes too long. On a thread of the disk.
    /// </summary>
    public bool WaitForUnlinked(long bytes, TimeSpan limit)
    {
        var end = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        lock (_letGo)
        {
            while (UsedBytes + bytes > Capacity && KeptBytes + bytes <= Capacity)
                if (end - Environment.TickCount64 is var rest && (rest <= 0 || !Monitor.Wait(_letGo, (int)rest)))
                    return false;
        }

        return true;
    }

    /// <summary>
    /// Whether a chunk is to be kept: there is room, or something that is colder, or anything at all if it is wanted
    /// for certain, can go for it.
    /// </summary>
    public bool IsWorth(ContentId id, long bytes, KeepWish wish)
    {
        if (bytes > Capacity)
            return false;
        var rule = _rules.Of(id);
        var account = Accounts.Find(id);
        lock (_gate)
        {
            var isOver = IsOverQuota(rule.Owner, bytes);
            if (!isOver && UsedBytes + bytes <= HighWater)
                return true;
            if (wish == KeepWish.Always || rule.IsPinned)
                return HasVictimBeside(account, isOver ? rule.Owner : null);
            if (CleanColdest(isOver ? rule.Owner : null) is not { } coldest || ReferenceEquals(coldest, account))
                return false;
            return account is not null
                ? isOver ? _order.IsWorthOf(account) : _order.IsWorth(account)
                : _order.IsWorth(id);
        }
    }

    /// <summary>
    /// Takes room for so many bytes, or says which version to make smaller or drop first. Neither: nothing can go.
    /// </summary>
    /// <param name="id">The version.</param>
    /// <param name="bytes">Bytes to come.</param>
    /// <param name="victim">What has to go first.</param>
    public bool TryReserve(ContentId id, long bytes, out Account? victim)
    {
        var owner = Accounts.Find(id)?.Owner ?? 0;
        lock (_gate)
        {
            var isOver = IsOverQuota(owner, bytes);
            if (!isOver && UsedBytes + bytes <= Capacity)
            {
                _reservedBytes += bytes;
                _reservedOf[owner] = _reservedOf.GetValueOrDefault(owner) + bytes;
                victim = null;
                if (KeptBytes <= HighWater)
                    return true;
            }
            else
            {
                victim = CleanColdest(isOver ? owner : null);
                return false;
            }
        }

        Full();
        return true;
    }

    /// <summary>The reserved bytes are written and in the accounts, or will not come.</summary>
    public void Unreserve(ContentId id, long bytes)
    {
        var owner = Accounts.Find(id)?.Owner ?? 0;
        lock (_gate)
        {
            _reservedBytes -= bytes;
            _reservedOf[owner] = Math.Max(0, _reservedOf.GetValueOrDefault(owner) - bytes);
        }
    }

    /// <summary>The next to go, whoever wants its place; null: nothing can.</summary>
    public Account? NextVictim()
    {
        lock (_gate)
            return CleanColdest(null);
    }

    /// <summary>A victim that turned out to be held: it is looked at again when its holder lets go.</summary>
    public void SetAside(Account account)
    {
        lock (_gate)
            TrySetAside(account, _isHeld);
    }

    /// <summary>A victim that cannot go now, for the disk does not let it: it is looked at again later.</summary>
    public void Park(Account account)
    {
        lock (_gate)
        {
            if (account.IsRemoved)
                return;
            _order.SetAside(account);
            _aside.Add(account);
            account.IsAside = true;
        }
    }

    /// <summary>Looks for a better rule, and looks again at what was set aside.</summary>
    public void Review()
    {
        lock (_gate)
        {
            _order.Choose();
            foreach (var account in _aside.ToArray())
                PutBack(account);
        }
    }

    /// <summary>
    /// What the last run noted counts as used until the scan has seen every version, or as much as may be here if that
    /// run was killed after its last notes.
    /// </summary>
    public void Expect(HeatNotes notes, long bytesMost)
    {
        lock (_gate)
        {
            _order.Restore(notes);
            var expected = Math.Min(Capacity, Math.Max(notes.Bytes, bytesMost));
            Volatile.Write(ref _expectedBytes, Math.Max(0, expected - Accounts.Bytes));
        }
    }

    /// <summary>Every version is in the accounts.</summary>
    public void EndScan()
    {
        lock (_gate)
            _order.EndRestoring();

        Volatile.Write(ref _expectedBytes, 0);
        if (UsedBytes > HighWater)
            Full();
    }

    /// <summary>What the next run is told.</summary>
    public HeatNotes Note()
    {
        lock (_gate)
            return HeatNotes.Of(_order, Accounts);
    }

    private static double BiasOf(KeepRule rule) => rule.IsLastCopy ? ClusterBias : rule.OthersHold ? -ClusterBias : 0;

    private bool IsOverQuota(int owner, long bytes) => _rules.QuotaOf(owner) is { } quota
        && _ownerBytes.Of(owner) + _reservedOf.GetValueOrDefault(owner) + bytes > quota;

    private bool HasVictimBeside(Account? account, int? owner)
    {
        var coldest = CleanColdest(owner);
        if (coldest is null || !ReferenceEquals(coldest, account))
            return coldest is not null;
        _order.SetAside(account);
        var hasOther = CleanColdest(owner) is not null;
        _order.PutBack(account);
        return hasOther;
    }

    private Account? CleanColdest(int? owner)
    {
        while ((owner is { } one ? _order.ColdestOf(one) : _order.Coldest) is Account coldest)
        {
            if (!TrySetAside(coldest, id => _isHeld(id) || _rules.Of(id).IsPinned))
                return coldest;
        }

        return null;
    }

    private bool TrySetAside(Account account, Func<ContentId, bool> mustStay)
    {
        // Marked first and asked afterwards: whoever lets go in between sees the mark and puts it back.
        account.IsAside = true;
        Interlocked.MemoryBarrier();
        if (!mustStay(account.Id))
        {
            account.IsAside = false;
            return false;
        }

        _order.SetAside(account);
        _aside.Add(account);
        return true;
    }

    private void PutBack(Account account)
    {
        account.IsAside = false;
        if (_aside.Remove(account) && !account.IsRemoved)
            _order.PutBack(account);
    }
}
