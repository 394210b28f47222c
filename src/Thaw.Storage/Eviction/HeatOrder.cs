using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>
/// The policy: which version is the coldest, and whether a chunk of another one is worth its place. Pure: driven by
/// ids, sizes and bytes that were read. Not thread-safe; its owner locks.
/// <para>A use is a whole version's bytes read, by one reader or by many. Uses fade with the bytes that are read here,
/// in units of the capacity. So the order needs no clock and no sweep, and a victim costs the logarithm of the number
/// of versions.</para>
/// <para>A chunk takes a place only from a version that is colder than its own was before the reading that goes on now:
/// a scan over more than fits, once or in circles, leaves what is here, and a version that fits in part keeps that
/// part. How fast uses fade, and whether the reading that goes on counts, is one of a few rules; the one that would
/// have served the most bytes of late counts (<see cref="HeatShadows"/>).</para>
/// <para>Versions that are gone are remembered by their uses, the warmest of them, so that they need not begin
/// anew; a version that takes another one's place under its name takes over its uses.</para>
/// </summary>
internal sealed class HeatOrder(long capacityBytes)
{
    /// <summary>Versions that are gone and remembered: years of deployments, in 3 MB.</summary>
    private const int RememberedMost = 16_384;

    private readonly Dictionary<ContentId, VersionHeat> _gone = [];
    private readonly HeatHeap<VersionHeat> _goneHeap = new();
    private readonly List<HeatHeap<VersionHeat>> _here = [new()];
    private readonly HeatShadows _shadows = new();

    /// <summary>The capacity that uses are measured by; may change at any time.</summary>
    public long CapacityBytes { get; set; } = capacityBytes;

    /// <summary>Capacities' worth of bytes that were read so far.</summary>
    public double Turns { get; private set; }

    /// <summary>The rule that counts.</summary>
    public int Rule { get; private set; } = HeatRule.Initial;

    /// <summary>What an earlier run knew and nobody asked for yet; null once the scan is done.</summary>
    public HeatNotes? Restoring { get; private set; }

    /// <summary>The coldest version that may go, or null.</summary>
    public VersionHeat? Coldest
    {
        get
        {
            VersionHeat? coldest = null;
            foreach (var heap in _here)
                if (heap.Coldest is { } one && (coldest is null || HeatHeap<VersionHeat>.IsColder(one, coldest)))
                    coldest = one;
            return coldest;
        }
    }

    /// <summary>The coldest version of an owner that may go, or null.</summary>
    public VersionHeat? ColdestOf(int owner) => owner < _here.Count ? _here[owner].Coldest : null;

    /// <summary>A version of which nothing was here: what is remembered of it comes back.</summary>
    public void Enter(VersionHeat version)
    {
        if (TakeGone(version.Id) is { } gone)
        {
            gone.Warmths.CopyTo(version.Warmths);
            (version.ReadBytes, version.LastUsed) = (gone.ReadBytes, gone.LastUsed);
        }
        else
        {
            SetNewcomer(version);
        }

        Reheat(version);
        HeapOf(version).Add(version);
    }

    /// <summary>Nothing of a version is here any more; its uses are remembered.</summary>
    public void Leave(VersionHeat version)
    {
        SetAside(version);
        if (!double.IsNegativeInfinity(version.Warmths[Rule]))
            Remember(version);
    }

    /// <summary>A version cannot go for now, as it is held or pinned.</summary>
    public void SetAside(VersionHeat version)
    {
        if (HeapOf(version).Contains(version))
            HeapOf(version).Remove(version);
    }

    /// <summary>A version can go again.</summary>
    public void PutBack(VersionHeat version)
    {
        if (!HeapOf(version).Contains(version))
            HeapOf(version).Add(version);
    }

    /// <summary>A version that is here is used at this time.</summary>
    public void Touch(VersionHeat version, long time)
    {
        if (version.LastUsed >= time)
            return;
        version.LastUsed = time;
        if (HeapOf(version).Contains(version))
            HeapOf(version).Moved(version);
    }

    /// <summary>Bytes of a version that is here were read.</summary>
    public void Read(VersionHeat version, long bytes)
    {
        if (Use(version, bytes) && HeapOf(version).Contains(version))
            HeapOf(version).Moved(version);
    }

    /// <summary>Bytes of a version of which nothing is here were read.</summary>
    public void ReadGone(ContentId id, long sizeBytes, long bytes)
    {
        var gone = FindGone(id);
        if (gone is null)
            SetNewcomer(gone = new VersionHeat(id, sizeBytes));
        gone.SizeBytes = sizeBytes;
        var isUse = Use(gone, bytes);
        if (!_gone.ContainsKey(id))
            Remember(gone);
        else if (isUse)
            _goneHeap.Moved(gone);
    }

    /// <summary>
    /// A version took the place of another one under its name: the old one is the first to go, and the new one takes
    /// over its uses.
    /// </summary>
    public void Replace(VersionHeat? oldHere, ContentId old, ContentId @new)
    {
        _shadows.Replace(old, @new, Turns);
        var before = oldHere ?? TakeGone(old);
        if (before is null)
            return;
        if (FindGone(@new) is null)
        {
            var after = new VersionHeat(@new, long.MaxValue);
            SetNewcomer(after);
            for (var rule = 0; rule < after.Warmths.Length; rule++)
                after.Warmths[rule] = Math.Max(after.Warmths[rule], before.Warmths[rule]);
            Remember(after);
        }

        before.Warmths.Fill(double.NegativeInfinity);
        Reheat(before);
        if (HeapOf(before).Contains(before))
            HeapOf(before).Moved(before);
    }

    /// <summary>
    /// What the owner and the cluster make of a version: whose it is, and how much it counts beside others.
    /// </summary>
    public void Place(VersionHeat version, int owner, double bias)
    {
        if (version.Owner == owner && version.Bias == bias)
            return;
        var isCandidate = HeapOf(version).Contains(version);
        if (isCandidate)
            HeapOf(version).Remove(version);
        (version.Owner, version.Bias) = (owner, bias);
        Reheat(version);
        if (isCandidate)
            HeapOf(version).Add(version);
    }

    /// <summary>What an earlier run knew; the order owns it from here on.</summary>
    public void Restore(HeatNotes notes)
    {
        (Turns, Rule) = (notes.Turns, notes.Rule);
        Restoring = notes;
    }

    /// <summary>What an earlier run knew and is not here is gone.</summary>
    public void EndRestoring()
    {
        if (Restoring is not { } notes)
            return;
        Restoring = null;
        foreach (var version in notes.TakeRest())
            AddGone(version);
        notes.Dispose();
    }

    /// <summary>The versions that are gone and remembered.</summary>
    public IEnumerable<VersionHeat> Gone => _gone.Values;

    /// <summary>Whether a chunk of a version is worth a place that the coldest has.</summary>
    public bool IsWorth(VersionHeat version) => IsWorth(version.Warmth, Coldest);

    /// <summary>As <see cref="IsWorth(VersionHeat)"/>, with a place that another version of its owner has.</summary>
    public bool IsWorthOf(VersionHeat version) => IsWorth(version.Warmth, ColdestOf(version.Owner));

    /// <summary>Whether a chunk of a version of which nothing is here is worth a place that the coldest has.</summary>
    public bool IsWorth(ContentId id) => IsWorth(
        FindGone(id)?.Warmth ?? Now(Rule) + HeatRule.Newcomer, Coldest);

    /// <summary>Changes to the best rule, if another one is; costs a pass over all versions.</summary>
    public bool Choose()
    {
        var best = _shadows.Best(Rule);
        if (best == Rule)
            return false;
        Rule = best;
        foreach (var heap in _here.Append(_goneHeap))
        {
            foreach (var version in heap.Members)
                Reheat(version);
            heap.AllMoved();
        }

        return true;
    }

    private bool IsWorth(double warmth, VersionHeat? coldest)
    {
        var rule = HeatRule.All[Rule];
        return coldest is not null && rule.Claim(warmth, Now(Rule)) > coldest.Warmth + rule.Margin;
    }

    private double Now(int rule) => Turns / HeatRule.All[rule].HalfLife;

    private void SetNewcomer(VersionHeat version)
    {
        for (var rule = 0; rule < version.Warmths.Length; rule++)
            version.Warmths[rule] = Now(rule) + HeatRule.Newcomer;
        Reheat(version);
    }

    private void Reheat(VersionHeat version) => version.Warmth = version.Warmths[Rule] + version.Bias;

    private HeatHeap<VersionHeat> HeapOf(VersionHeat version)
    {
        while (_here.Count <= version.Owner)
            _here.Add(new HeatHeap<VersionHeat>());
        return _here[version.Owner];
    }

    private bool Use(VersionHeat version, long bytes)
    {
        Turns += bytes / (double)CapacityBytes;
        version.ReadBytes += bytes;
        if (version.ReadBytes < version.SizeBytes || version.SizeBytes == 0)
            return false;
        var uses = version.ReadBytes / version.SizeBytes;
        version.ReadBytes %= version.SizeBytes;
        _shadows.Use(version.Id, version.SizeBytes, CapacityBytes, Turns);
        for (var rule = 0; rule < version.Warmths.Length; rule++)
            version.Warmths[rule] = HeatRule.AfterUse(version.Warmths[rule], Now(rule), uses);
        Reheat(version);
        return true;
    }

    private void Remember(VersionHeat version)
    {
        // A copy: what is here is an account with more to it.
        var gone = new VersionHeat(version.Id, version.SizeBytes)
        {
            ReadBytes = version.ReadBytes,
        };
        version.Warmths.CopyTo(gone.Warmths);
        AddGone(gone);
    }

    private void AddGone(VersionHeat version)
    {
        if (!_gone.TryAdd(version.Id, version))
            return;
        Reheat(version);
        _goneHeap.Add(version);
        while (_gone.Count > RememberedMost)
        {
            var coldest = _goneHeap.Coldest!;
            _goneHeap.Remove(coldest);
            _gone.Remove(coldest.Id);
        }
    }

    private VersionHeat? FindGone(ContentId id)
    {
        if (_gone.TryGetValue(id, out var gone))
            return gone;
        if (Restoring?.Take(id) is not { } noted)
            return null;
        AddGone(noted);
        return noted;
    }

    private VersionHeat? TakeGone(ContentId id)
    {
        if (!_gone.Remove(id, out var gone))
            return Restoring?.Take(id);
        _goneHeap.Remove(gone);
        return gone;
    }
}
