namespace Thaw.Core.Failures;

/// <summary>
/// What went wrong, as every face has to tell it; each face has one table from kind to its own codes.
/// </summary>
public enum FailureKind
{
    /// <summary>No object of that name.</summary>
    NotFound,

    /// <summary>No mount of that name.</summary>
    MountNotFound,

    /// <summary>The origin refuses these credentials (403).</summary>
    AccessDenied,

    /// <summary>The origin wants credentials (401).</summary>
    Unauthorized,

    /// <summary>A condition of the request does not hold (412).</summary>
    PreconditionFailed,

    /// <summary>The object changed at the origin and the version that was asked for is gone.</summary>
    VersionChanged,

    /// <summary>The range lies outside of the object (416).</summary>
    InvalidRange,

    /// <summary>A name, key, parameter or body that cannot be.</summary>
    InvalidRequest,

    /// <summary>The operation is not allowed here (405), such as a write to a read-only mount.</summary>
    NotAllowed,

    /// <summary>Known, but not in this version of Thaw (501).</summary>
    NotImplemented,

    /// <summary>The origin asks to slow down (429, 503 SlowDown).</summary>
    Throttled,

    /// <summary>Time-outs, 5xx, DNS failures, broken connections at the origin.</summary>
    OriginUnavailable,

    /// <summary>The origin's answer cannot be right: wrong length, wrong range, unreadable.</summary>
    OriginProtocol,

    /// <summary>Bytes do not match their sum and no good copy is in reach.</summary>
    Corrupt,

    /// <summary>No space left on a cache disk.</summary>
    DiskFull,

    /// <summary>A cache disk fails.</summary>
    DiskFailed,

    /// <summary>A bound of this node is reached; later it may work.</summary>
    Busy,

    /// <summary>The node is stopping.</summary>
    Stopping,
}

/// <summary>What may be tried after a failure.</summary>
public enum RetryAdvice
{
    /// <summary>The same request fails again.</summary>
    Never,

    /// <summary>The same request may work later.</summary>
    Later,

    /// <summary>Another source may have it now.</summary>
    Elsewhere,
}

/// <summary>An expected failure. The message is one sentence: what, where, what to do.</summary>
/// <param name="Kind">What went wrong.</param>
/// <param name="Message">One sentence for a person; no stack trace, no secret.</param>
/// <param name="Retry">What may be tried.</param>
/// <param name="RetryAfter">The earliest moment for a retry, if the other side named one.</param>
public sealed record Failure(
    FailureKind Kind, string Message, RetryAdvice Retry = RetryAdvice.Never, TimeSpan? RetryAfter = null);
