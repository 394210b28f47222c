using Thaw.Core.Failures;

namespace Thaw.Posix.Bindings;

/// <summary>The numbers that answers carry (asm-generic/errno.h), and the one table from failures to them.</summary>
internal static class Errno
{
    public const int Permission = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int Io = 5;
    public const int NoDevice = 19;
    public const int NotADirectory = 20;
    public const int IsADirectory = 21;
    public const int Invalid = 22;
    public const int Again = 11;
    public const int NoAccess = 13;
    public const int Busy = 16;
    public const int ReadOnly = 30;
    public const int Range = 34;
    public const int NotImplemented = 38;
    public const int NoAttribute = 61;
    public const int NotSupported = 95;
    public const int Aborted = 103;
    public const int NotConnected = 107;
    public const int Stale = 116;

    /// <summary>
    /// What a reader of the tree sees. Whatever keeps bytes from coming is EIO: never an end of file and never zeros.
    /// </summary>
    public static int Of(FailureKind kind) => kind switch
    {
        FailureKind.NotFound => NoEntry,
        FailureKind.MountNotFound => NoEntry,
        FailureKind.AccessDenied => NoAccess,
        FailureKind.Unauthorized => NoAccess,
        FailureKind.PreconditionFailed => Io,
        FailureKind.VersionChanged => Io,
        FailureKind.InvalidRange => Invalid,
        FailureKind.InvalidRequest => Invalid,
        FailureKind.NotAllowed => ReadOnly,
        FailureKind.NotImplemented => NotSupported,
        FailureKind.Throttled => Io,
        FailureKind.OriginUnavailable => Io,
        FailureKind.OriginProtocol => Io,
        FailureKind.Corrupt => Io,
        FailureKind.DiskFull => Io,
        FailureKind.DiskFailed => Io,
        FailureKind.Busy => Io,
        FailureKind.Stopping => Io,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A failure kind without an errno."),
    };
}
