namespace Thaw.Core.Contracts.Peers;

/// <summary>The side of a node that answers other nodes. Any thread.</summary>
public interface IPeerServer : IAsyncDisposable
{
    /// <summary>Bytes of blocks sent since start.</summary>
    long BytesOut { get; }

    /// <summary>Bytes that were asked for, are ready, and wait for their turn to be sent.</summary>
    long QueuedBytes { get; }

    /// <summary>Rate at which blocks went out while there were any to send, of late; 0: not known yet.</summary>
    double BytesPerSecond { get; }

    /// <summary>Requests that are not answered to their end yet.</summary>
    int Requests { get; }
}
