namespace Thaw.Core.Metering;

/// <summary>Why bytes were read from an origin.</summary>
public enum OriginCause
{
    /// <summary>A reader, or the background loading that a reader started.</summary>
    Reader,

    /// <summary>A job or a policy.</summary>
    Load,

    /// <summary>Finding out or checking a version.</summary>
    Revalidate,

    /// <summary>Bytes fetched again: a failed check, a lost or discarded chunk.</summary>
    Retry,

    /// <summary>A node that could not reach the owner.</summary>
    Takeover,
}

/// <summary>A way in.</summary>
public enum Face
{
    /// <summary>S3 endpoint.</summary>
    S3,

    /// <summary>Hugging Face endpoint.</summary>
    Hub,

    /// <summary>Other nodes.</summary>
    Peer,

    /// <summary>The POSIX tree.</summary>
    Posix,
}

/// <summary>Where served bytes came from.</summary>
public enum Tier
{
    /// <summary>This node's disks or memory.</summary>
    Local,

    /// <summary>Another node.</summary>
    Peer,

    /// <summary>A parent cluster.</summary>
    Parent,

    /// <summary>The origin.</summary>
    Origin,
}
