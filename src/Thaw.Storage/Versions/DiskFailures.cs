using Thaw.Core.Failures;
using Thaw.Storage.Disks;

namespace Thaw.Storage.Versions;

/// <summary>Why a disk does not keep something.</summary>
internal sealed class DiskFailures(string root)
{
    public static Failure Dropped { get; } =
        new(FailureKind.DiskFull, "The version was dropped while it was being loaded.");

    public static Failure SealedWithOther { get; } =
        new(FailureKind.Corrupt, "The chunk is not the one that this version's file was sealed with.");

    public Failure Unusable { get; } = new(
        FailureKind.DiskFailed, $"The disk of {root} does not answer or takes no writes; see thaw doctor.");

    public Failure NewerFormat { get; } = new(
        FailureKind.DiskFailed,
        $"{root} holds this version in a newer format; use the newer Thaw or another directory.");

    public Failure Unreadable { get; } =
        new(FailureKind.DiskFailed, $"{root} holds this version but it cannot be read now.");

    public Failure Full { get; } = new(
        FailureKind.DiskFull,
        $"The cache on {root} is full of pinned or open versions; raise its capacity or unpin something.");

    /// <summary>A write that the disk refused.</summary>
    public Failure Refused(Exception error) => error is IOException full && Native.IsFull(full)
        ? new Failure(FailureKind.DiskFull, $"The disk of {root} is full; give it room or lower its capacity.")
        : new Failure(FailureKind.DiskFailed, $"The disk of {root} cannot be written: {error.Message}");
}
