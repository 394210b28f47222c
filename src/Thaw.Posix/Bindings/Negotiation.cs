using Thaw.Core;

namespace Thaw.Posix.Bindings;

/// <summary>What is agreed with the kernel in INIT.</summary>
internal static class Negotiation
{
    private const uint Major = 7;
    private const uint Minor = 40;
    private const int PageBytes = 4096;

    /// <summary>Requests that the kernel sends ahead of readers at most; its default of 12 leaves disks idle.</summary>
    private const ushort Background = 64;

    private const InitFlags Wanted = InitFlags.AsyncRead | InitFlags.DoReadDirPlus | InitFlags.ParallelDirOps
        | InitFlags.MaxPages | InitFlags.ExplicitInvalidate | InitFlags.InitExt | InitFlags.Passthrough;

    /// <summary>The answer: of what is wanted, what the kernel offers.</summary>
    public static InitOut Answer(in InitIn asked)
    {
        var offered = (InitFlags)asked.Flags;
        if (offered.HasFlag(InitFlags.InitExt))
            offered |= (InitFlags)((ulong)asked.Flags2 << 32);
        var agreed = offered & Wanted;
        return new InitOut
        {
            Major = Major,
            Minor = Math.Min(asked.Minor, Minor),
            MaxReadAhead = Math.Max(asked.MaxReadAhead, Limits.PosixReadBytes),
            Flags = (uint)agreed,
            Flags2 = (uint)((ulong)agreed >> 32),
            MaxBackground = Background,
            CongestionThreshold = Background * 3 / 4,
            MaxWrite = PageBytes,
            TimeGranularity = 1,
            MaxPages = Limits.PosixReadBytes / PageBytes,
            MaxStackDepth = agreed.HasFlag(InitFlags.Passthrough) ? 1u : 0u,
        };
    }

    /// <summary>Whether passthrough was agreed on.</summary>
    public static bool HasPassthrough(in InitOut agreed) =>
        ((InitFlags)((ulong)agreed.Flags2 << 32)).HasFlag(InitFlags.Passthrough);
}
