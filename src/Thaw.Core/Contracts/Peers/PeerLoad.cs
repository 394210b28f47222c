namespace Thaw.Core.Contracts.Peers;

/// <summary>What a node has to send, as it tells in front of everything that it sends.</summary>
/// <param name="PromisedBytes">
/// Bytes that others asked of it and that it has not sent, also such that it waits for.
/// </param>
/// <param name="BytesPerSecond">Rate at which blocks went out while there were any to send; 0: not known.</param>
public readonly record struct PeerLoad(long PromisedBytes, double BytesPerSecond)
{
    /// <summary>What a node said counts for this long: as long as a chunk takes on a slow card.</summary>
    public static readonly TimeSpan Trusted = TimeSpan.FromSeconds(2);

    /// <summary>Seconds until so many bytes more have gone out.</summary>
    /// <param name="bytes">Bytes that are added.</param>
    /// <param name="rateOtherwise">The rate where this one is not known.</param>
    public double SecondsWith(long bytes, double rateOtherwise) =>
        (PromisedBytes + bytes) / Math.Max(1, BytesPerSecond > 0 ? BytesPerSecond : rateOtherwise);
}
