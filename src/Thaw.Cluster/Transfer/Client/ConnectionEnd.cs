namespace Thaw.Cluster.Transfer.Client;

/// <summary>Why a connection to another node ended.</summary>
internal enum ConnectionEnd
{
    /// <summary>It was not needed for a while, or the client stops.</summary>
    Idle,

    /// <summary>It could not be made.</summary>
    Unreachable,

    /// <summary>The node does not want this one, or is not the right one.</summary>
    Refused,

    /// <summary>The node sent nothing for too long.</summary>
    Silent,

    /// <summary>It broke off, or what came was no message.</summary>
    Broken,
}
