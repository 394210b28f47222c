namespace Thaw.Testing;

/// <summary>
/// How one request is answered wrongly. Parts combine; bytes are counted from the start of this answer's body.
/// </summary>
public sealed record Fault
{
    /// <summary>Waits this long before the answer's head.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Waits for this before the answer's head; the test decides when.</summary>
    public Task? Gate { get; init; }

    /// <summary>Answers nothing until the client is gone.</summary>
    public bool NoAnswer { get; init; }

    /// <summary>Bytes a second of this body.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Answers with this status and an S3 error document.</summary>
    public int? Status { get; init; }

    /// <summary>Error code in the document; null: the usual one of the status.</summary>
    public string? Code { get; init; }

    /// <summary><c>Retry-After</c> beside the status.</summary>
    public string? RetryAfter { get; init; }

    /// <summary>Closes the connection in order after so many body bytes.</summary>
    public long? TruncateAfter { get; init; }

    /// <summary>Breaks the connection after so many body bytes.</summary>
    public long? ResetAfter { get; init; }

    /// <summary>
    /// Sends nothing more after so many body bytes, and holds the connection until the client is gone.
    /// </summary>
    public long? StallAfter { get; init; }

    /// <summary>Sends so many bytes more than the range has, and announces them.</summary>
    public int SendExtra { get; init; }

    /// <summary>Sends no Content-Length, so that only the Content-Range tells the length.</summary>
    public bool Chunked { get; init; }

    /// <summary>Answers whatever the condition says.</summary>
    public bool IgnoreIfMatch { get; init; }

    /// <summary>Answers 200 with the whole object.</summary>
    public bool IgnoreRange { get; init; }

    /// <summary>Sends this instead of the right Content-Range.</summary>
    public string? ContentRange { get; init; }

    /// <summary>Sends this instead of the right ETag.</summary>
    public string? ETag { get; init; }

    /// <summary>Flips the lowest bit of the body's byte at this place.</summary>
    public long? FlipBitAt { get; init; }

    /// <summary>Puts this object in place after so many bytes; the rest of the body comes from it.</summary>
    public (long After, FakeContent Content)? Change { get; init; }
}
