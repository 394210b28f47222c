using System.Runtime.CompilerServices;

namespace Thaw.Core.Metering;

/// <summary>
/// Counters of one mount since start. Any thread may add; sums are read without a lock and may lag each other by what
/// is being added.
/// </summary>
public sealed class MountMeter(string mount)
{
    private readonly long[] _originBytes = new long[Enum.GetValues<OriginCause>().Length];
    private readonly long[] _served = new long[Enum.GetValues<Face>().Length * Tiers];
    private long _requests;
    private long _throttled;
    private long _errors;

    private static readonly int Tiers = Enum.GetValues<Tier>().Length;

    /// <summary>The mount's name.</summary>
    public string Mount { get; } = mount;

    /// <summary>Requests sent to the origin: GETs, HEADs and listings, retries included.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Answers that asked to slow down.</summary>
    public long Throttled => Volatile.Read(ref _throttled);

    /// <summary>Requests that failed for another reason than the caller's.</summary>
    public long Errors => Volatile.Read(ref _errors);

    /// <summary>Adds body bytes of an object GET.</summary>
    public void AddOriginBytes(OriginCause cause, long bytes) => Interlocked.Add(ref _originBytes[(int)cause], bytes);

    /// <summary>Adds bytes handed to a face.</summary>
    public void AddServed(Face face, Tier tier, long bytes) => Interlocked.Add(ref ServedSlot(face, tier), bytes);

    /// <summary>Counts a request.</summary>
    public void AddRequest() => Interlocked.Increment(ref _requests);

    /// <summary>Counts a throttled request.</summary>
    public void AddThrottled() => Interlocked.Increment(ref _throttled);

    /// <summary>Counts a failed request.</summary>
    public void AddError() => Interlocked.Increment(ref _errors);

    /// <summary>Body bytes of object GETs for a cause.</summary>
    public long OriginBytes(OriginCause cause) => Volatile.Read(ref _originBytes[(int)cause]);

    /// <summary>Body bytes of all object GETs.</summary>
    public long OriginBytes()
    {
        long sum = 0;
        for (var cause = 0; cause < _originBytes.Length; cause++)
            sum += Volatile.Read(ref _originBytes[cause]);
        return sum;
    }

    /// <summary>Bytes handed to a face from a tier.</summary>
    public long Served(Face face, Tier tier) => Volatile.Read(ref ServedSlot(face, tier));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref long ServedSlot(Face face, Tier tier) => ref _served[(int)face * Tiers + (int)tier];
}
