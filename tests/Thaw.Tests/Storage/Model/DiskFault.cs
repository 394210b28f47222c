namespace Thaw.Tests.Storage.Model;

internal enum FaultKind
{
    Open,
    Read,
    Write,
    Sync,
    Delete,
}

/// <summary>One call of a kind fails: the one that comes after so many others of that kind.</summary>
/// <param name="Kind">What fails.</param>
/// <param name="After">Calls of that kind that work before.</param>
/// <param name="Errno">The error.</param>
/// <param name="Share">
/// The share of the bytes that a read still gives (it ends early, without an error) or a write still writes.
/// </param>
/// <param name="EndsWrites">Once it has fired, no write works either.</param>
/// <param name="Kills">The process ends there.</param>
internal sealed record DiskFault(
    FaultKind Kind, int After, int Errno, double? Share = null, bool EndsWrites = false, bool Kills = false)
{
    private int _seen;

    /// <summary>Where it fired; null: not yet.</summary>
    public string? FiredAt { get; private set; }

    /// <summary>What it is, in a word or two.</summary>
    public string Name => Kills ? $"killed within {Kind.ToString().ToLowerInvariant()}"
        : $"{(Share is null ? "" : "short ")}{Kind.ToString().ToLowerInvariant()} error {Errno}"
            + (EndsWrites ? " and no writes after it" : "");

    public bool IsDue(FaultKind kind, string path)
    {
        if (FiredAt is not null && EndsWrites && kind == FaultKind.Write)
            return true;
        if (FiredAt is not null || kind != Kind || _seen++ < After)
            return false;
        FiredAt = path;
        return true;
    }

    public IOException Error() => new($"injected {Kind} error {Errno}", Errno);
}
