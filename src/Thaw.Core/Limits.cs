namespace Thaw.Core;

/// <summary>
/// Every bound that is not an option. Each says where its number comes from. What an operator may need to change is an
/// option instead.
/// </summary>
public static class Limits
{
    /// <summary>Longest S3 key in UTF-8 bytes (Amazon S3 user guide, object key names).</summary>
    public const int KeyBytes = 1024;

    /// <summary>Most keys in one listing page (Amazon S3 API, ListObjectsV2).</summary>
    public const int ListPageKeys = 1000;

    /// <summary>Most bytes of user metadata of one object (Amazon S3: 2 KB; other stores allow 8 KB).</summary>
    public const int MetadataBytes = 8 << 10;

    /// <summary>Request line and headers of an S3 request: Amazon S3 allows 8 KB of headers; a 1 KiB key encodes to 3 KiB.</summary>
    public const int RequestHeaderBytes = 16 << 10;

    /// <summary>
    /// A client that takes less than one block in this time is cut: loaders pause between shards for seconds, while a
    /// client that is gone without a word would hold a reader and its buffers for ever.
    /// </summary>
    public static readonly TimeSpan SlowestBlock = TimeSpan.FromSeconds(60);

    /// <summary>An idle client connection is closed after this; boto3 and aws-cli drop theirs after 12 s, Amazon S3 after about 20 s.</summary>
    public static readonly TimeSpan ClientKeepAlive = TimeSpan.FromMinutes(2);

    /// <summary>Time to send a request's headers: a SYN or segment lost several times over still passes.</summary>
    public static readonly TimeSpan ClientHeaders = TimeSpan.FromSeconds(15);

    /// <summary>Body of a refused S3 write that is read so that the client sees the answer: eight parts of 8 MiB (aws-cli).</summary>
    public const long RefusedBodyBytes = 64L << 20;

    /// <summary>Body of a control request: thousands of paths of the longest kind.</summary>
    public const int ControlBodyBytes = 1 << 20;

    /// <summary>An origin connection that sends nothing for this long is given up and resumed: ten times a slow HEAD.</summary>
    public static readonly TimeSpan OriginNoProgress = TimeSpan.FromSeconds(10);

    /// <summary>Connecting to an origin: a SYN lost twice takes 3 s.</summary>
    public static readonly TimeSpan OriginConnect = TimeSpan.FromSeconds(5);

    /// <summary>One HEAD or listing page at an origin.</summary>
    public static readonly TimeSpan OriginAnswer = TimeSpan.FromSeconds(20);

    /// <summary>Attempts for one origin request before it fails; with back-off they span about half a minute.</summary>
    public const int OriginAttempts = 6;

    /// <summary>First back-off between attempts; doubled each time, with full jitter.</summary>
    public static readonly TimeSpan OriginBackoff = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest back-off between attempts.</summary>
    public static readonly TimeSpan OriginBackoffMost = TimeSpan.FromSeconds(10);

    /// <summary>A block check may be trusted this long for reads shorter than a block (integrity contract, a).</summary>
    public static readonly TimeSpan CheckTrusted = TimeSpan.FromSeconds(60);

    /// <summary>Durability batches: at most this many unsynced bytes on a disk.</summary>
    public const long DurableBatchBytes = 1L << 30;

    /// <summary>Durability batches: at most this much time.</summary>
    public static readonly TimeSpan DurableBatchTime = TimeSpan.FromSeconds(5);

    /// <summary>Jobs that are remembered; the oldest ended ones are forgotten.</summary>
    public const int JobsKept = 256;

    /// <summary>Error sentences kept for a job.</summary>
    public const int JobErrors = 20;
}
