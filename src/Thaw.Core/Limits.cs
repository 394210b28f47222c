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

    /// <summary>
    /// Request line and headers of an S3 request: Amazon S3 allows 8 KB of headers; a 1 KiB key encodes to 3 KiB.
    /// </summary>
    public const int RequestHeaderBytes = 16 << 10;

    /// <summary>
    /// A client that takes less than one block in this time is cut: loaders pause between shards for seconds, while a
    /// client that is gone without a word would hold a reader and its buffers for ever.
    /// </summary>
    public static readonly TimeSpan SlowestBlock = TimeSpan.FromSeconds(60);

    /// <summary>
    /// An idle client connection is closed after this; boto3 and aws-cli drop theirs after 12 s, Amazon S3 after about
    /// 20 s.
    /// </summary>
    public static readonly TimeSpan ClientKeepAlive = TimeSpan.FromMinutes(2);

    /// <summary>Time to send a request's headers: a SYN or segment lost several times over still passes.</summary>
    public static readonly TimeSpan ClientHeaders = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Body of a refused S3 write that is read so that the client sees the answer: eight parts of 8 MiB (aws-cli).
    /// </summary>
    public const long RefusedBodyBytes = 64L << 20;

    /// <summary>
    /// Large send buffers (1 MiB) of an S3 endpoint: with more connections sending at once than this, each gets a block
    /// (256 KiB), as a network card is saturated long before.
    /// </summary>
    public const int LargeSendBuffers = 32;

    /// <summary>Small send buffers (16 KiB) that are kept for the next answers.</summary>
    public const int SmallSendBuffersKept = 256;

    /// <summary>
    /// Threads that poll sockets and serve short requests: one serves about 80,000 ranges of 4 KiB a second (bench).
    /// </summary>
    public const int SocketThreads = 16;

    /// <summary>
    /// One body for so many processors is read ahead by a second thread: with more bodies than that at once the
    /// processors are busy anyway (bench).
    /// </summary>
    public const int ProcessorsPerReadAhead = 2;

    /// <summary>
    /// What a client of the same machine is sent ahead; the kernel doubles it (docs/decisions/0006 has the others).
    /// </summary>
    public const int LoopbackSendBytes = 256 << 10;

    /// <summary>
    /// A thread waits so long for a client to take more of a long body: 1 MiB at 500 MB/s. Slower ones keep none.
    /// </summary>
    public static readonly TimeSpan SendWait = TimeSpan.FromMilliseconds(2);

    /// <summary>After a wait in vain a body's next flushes keep no thread: at worst one wait for 64 MiB.</summary>
    public const int FlushesAfterSlowClient = 64;

    /// <summary>Body of a control request: thousands of paths of the longest kind.</summary>
    public const int ControlBodyBytes = 1 << 20;

    /// <summary>
    /// An origin connection that sends nothing for this long is given up and resumed: ten times a slow HEAD.
    /// </summary>
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

    /// <summary>
    /// One HEAD that only confirms a version which could be served as it is: longer than a slow HEAD, shorter than a
    /// reader's patience.
    /// </summary>
    public static readonly TimeSpan RevalidateAnswer = TimeSpan.FromSeconds(3);

    /// <summary>After an origin did not answer, known versions are served without asking it for this long.</summary>
    public static readonly TimeSpan OriginDownPause = TimeSpan.FromSeconds(5);

    /// <summary>A chunk that is lost each time it is fetched fails its reader after so many turns.</summary>
    public const int ReadAttempts = 8;

    /// <summary>Chunks a reader asks for ahead at first: 32 MiB hide 30 ms at 1 GB/s.</summary>
    public const int WindowChunks = 4;

    /// <summary>Most chunks a reader asks for ahead: 512 MiB fill 40 Gbit/s over 100 ms.</summary>
    public const int WindowChunksMost = 64;

    /// <summary>Objects of a job that are looked up at once: as many HEADs as one connection pool hides well.</summary>
    public const int JobLookups = 16;

    /// <summary>
    /// A model that an open file started to load goes on loading this long after the last file of it was closed:
    /// loaders close a shard, think, and open the next.
    /// </summary>
    public static readonly TimeSpan LoadLinger = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Longest Linux name of a file (NAME_MAX of linux/limits.h): parts of keys that are longer have no name in the
    /// POSIX tree.
    /// </summary>
    public const int FileNameBytes = 255;

    /// <summary>
    /// A request of the kernel that has not been answered for so long gets EIO: the retries towards an origin span half
    /// a minute, and a second round is left for what waits behind them.
    /// </summary>
    public static readonly TimeSpan PosixAnswer = TimeSpan.FromSeconds(90);

    /// <summary>Most bytes of one read of the POSIX tree: what FUSE carries in 256 pages.</summary>
    public const int PosixReadBytes = 1 << 20;

    /// <summary>
    /// Buffers of <see cref="PosixReadBytes"/> for answers of the POSIX tree: as many as the kernel asks for ahead.
    /// </summary>
    public const int PosixBuffers = 64;

    /// <summary>
    /// A name that was looked up or listed is believed this long at most by the kernel, less where a mount's
    /// <c>revalidate</c> is shorter; each open asks anew.
    /// </summary>
    public static readonly TimeSpan PosixNameValid = TimeSpan.FromSeconds(60);

    /// <summary>
    /// A name that was not there is believed not to be there this long, or until its folder is listed.
    /// </summary>
    public static readonly TimeSpan PosixNoNameValid = TimeSpan.FromSeconds(5);

    /// <summary>Threads that take requests from one POSIX mount: they never wait, so few are enough.</summary>
    public const int PosixThreads = 4;

    /// <summary>Messages to the kernel that wait to be sent: more than opens can complete at once.</summary>
    public const int PosixNotices = 4096;

    /// <summary>
    /// Longest <c>Retry-After</c> that is waited for; beyond it the failure goes to the caller, who may have another
    /// source. Readers give up after about a minute (boto3 and aws-cli: 60 s read time-out).
    /// </summary>
    public static readonly TimeSpan OriginRetryAfterMost = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Waiting for one of <c>origins.connections</c>: as long as the no-progress bound of a dozen bodies ahead.
    /// </summary>
    public static readonly TimeSpan OriginSlot = TimeSpan.FromMinutes(2);

    /// <summary>
    /// One in so many of <c>origins.connections</c> is kept for HEADs and listings, at least one, so that names never
    /// wait behind bodies: a HEAD takes 10-30 ms where a body of 8 MiB takes about ten times as long.
    /// </summary>
    public const int OriginConnectionsPerQuestion = 16;

    /// <summary>Connections to an origin live this long, so that changed addresses of a service are seen.</summary>
    public static readonly TimeSpan OriginConnectionLife = TimeSpan.FromMinutes(10);

    /// <summary>Idle connections are closed before the service does it (Amazon S3 keeps them about 20 s).</summary>
    public static readonly TimeSpan OriginConnectionIdle = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Empty but truncated listing pages of an origin that are followed before its answer counts as wrong.
    /// </summary>
    public const int OriginEmptyPages = 100;

    /// <summary>
    /// A block check may be trusted this long for reads shorter than a block (integrity contract, a).
    /// </summary>
    public static readonly TimeSpan CheckTrusted = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How exactly a name's last use is known: eviction asks for minutes, while loaders read a file's headers in
    /// thousands of short ranges a second.
    /// </summary>
    public static readonly TimeSpan UsedPrecision = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How often a disk's room is looked at: others may write a gigabyte a second to it, and a tenth of that is kept
    /// free.
    /// </summary>
    public static readonly TimeSpan SpaceReview = TimeSpan.FromSeconds(5);

    /// <summary>How often versions that nobody has read for their time to live are looked for.</summary>
    public static readonly TimeSpan ExpiryReview = TimeSpan.FromMinutes(1);

    /// <summary>Uses that a kill may forget: warmth changes over hours.</summary>
    public static readonly TimeSpan HeatNotes = TimeSpan.FromMinutes(10);

    /// <summary>How long the kernel's answer about a sealed version counts.</summary>
    public static readonly TimeSpan ResidencyTrusted = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Bytes of a disk's file system that are left free, at most: ten seconds of a neighbour's writes at 100 MB/s, and
    /// what file systems need to work well.
    /// </summary>
    public const long DiskFreeMost = 1L << 30;

    /// <summary>Durability batches: at most this many unsynced bytes on a disk.</summary>
    public const long DurableBatchBytes = 1L << 30;

    /// <summary>Durability batches: at most about this many versions, each with two open files until then.</summary>
    public const int DurableBatchVersions = 1024;

    /// <summary>Durability batches: at most this much time.</summary>
    public static readonly TimeSpan DurableBatchTime = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A call to a cache disk this long makes it slow: a hundred times a read of 8 MiB from a hard disk's other end.
    /// </summary>
    public static readonly TimeSpan DiskSlow = TimeSpan.FromSeconds(1);

    /// <summary>A disk counts as slow for this long after its last slow call, so that it does not flap.</summary>
    public static readonly TimeSpan DiskSlowFor = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A read, open or piece of a write this long makes a disk stuck: below what a reader waits for (60 s), above the
    /// longest pauses of healthy disks (a spin-up, an error recovery of a hard disk: up to 7 s are for RAID only).
    /// </summary>
    public static readonly TimeSpan DiskStuck = TimeSpan.FromSeconds(5);

    /// <summary>A sync or unlink this long makes a disk stuck: a batch of 1 GiB at 20 MB/s.</summary>
    public static readonly TimeSpan DiskStuckSync = TimeSpan.FromSeconds(60);

    /// <summary>How often a disk's calls are looked at: a fifth of the shortest bound.</summary>
    public static readonly TimeSpan DiskWatch = TimeSpan.FromMilliseconds(200);

    /// <summary>How often a failing disk is probed: back before its content is fetched anew.</summary>
    public static readonly TimeSpan DiskProbePeriod = TimeSpan.FromSeconds(5);

    /// <summary>Failed writes in a row that make a disk failing: one may be a bad sector.</summary>
    public const int DiskFailedWrites = 3;

    /// <summary>
    /// Bytes a second that the scrubber reads of each disk: 10 TB in 2.3 days, under a hundredth of what an NVMe reads.
    /// </summary>
    public const long ScrubBytesPerSecond = 50_000_000;

    /// <summary>A disk is scrubbed once in this time at most; rot comes in months.</summary>
    public static readonly TimeSpan ScrubCycle = TimeSpan.FromDays(7);

    /// <summary>The scrubber leaves a starting node alone for so long: cold starts come first.</summary>
    public static readonly TimeSpan ScrubDelay = TimeSpan.FromMinutes(15);

    /// <summary>A disk that does not end its work in this time when the store is closed is left behind.</summary>
    public static readonly TimeSpan DiskClose = TimeSpan.FromSeconds(20);

    /// <summary>Closing a mount's names log: twice a durability batch; a disk that takes longer is stuck.</summary>
    public static readonly TimeSpan NamesClose = TimeSpan.FromSeconds(10);

    /// <summary>Jobs that are remembered; the oldest ended ones are forgotten.</summary>
    public const int JobsKept = 256;

    /// <summary>Error sentences kept for a job.</summary>
    public const int JobErrors = 20;

    /// <summary>Longest configuration file in bytes: a thousand mounts written out take about 300 KiB.</summary>
    public const int ConfigBytes = 1 << 20;

    /// <summary>Deepest nesting of a configuration file; the option table needs 5.</summary>
    public const int ConfigDepth = 16;

    /// <summary>Most values in a configuration file, aliases counted as often as they are used.</summary>
    public const int ConfigValues = 50_000;

    /// <summary>Most errors told at once for a configuration file: more than a screen helps nobody.</summary>
    public const int ConfigErrors = 100;

    /// <summary>
    /// One answer of a node's control endpoint to the command line; listing a large prefix may take a while.
    /// </summary>
    public static readonly TimeSpan ControlAnswer = TimeSpan.FromSeconds(60);

    /// <summary>The command line asks for a job's progress this often.</summary>
    public static readonly TimeSpan JobPoll = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// A node that does not answer so many times in a row has lost its part of a job: longer than a restart is waited
    /// for.
    /// </summary>
    public const int JobPollsMissed = 80;

    /// <summary>Plain progress lines, where no terminal repaints them, come this far apart.</summary>
    public static readonly TimeSpan PlainProgress = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of one ranged GET when objects are copied to a directory: one chunk.</summary>
    public const int PullPartBytes = 8 << 20;

    /// <summary>Ranged GETs at once when objects are copied: with chunks of 8 MiB, 128 MiB of buffers.</summary>
    public const int PullConnections = 16;

    /// <summary>Objects copied at once.</summary>
    public const int PullObjects = 4;

    /// <summary>Attempts for one part before a copy fails.</summary>
    public const int PullAttempts = 5;

    /// <summary>First back-off between attempts of a copy; doubled each time.</summary>
    public static readonly TimeSpan PullBackoff = TimeSpan.FromMilliseconds(200);

    /// <summary>One part of 8 MiB: at 300 KB/s, which no one would wait for longer.</summary>
    public static readonly TimeSpan PullPart = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A node looks this often whether its configuration file has changed: editors and mounted maps replace files.
    /// </summary>
    public static readonly TimeSpan ConfigPoll = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Below so many open files a node fails: listeners, 256 origin connections, a few hundred versions and clients.
    /// </summary>
    public const long DescriptorsLeast = 1024;

    /// <summary>
    /// So many open files are comfortable: a cache of 10 TB is a few thousand files, a client may open a hundred
    /// connections.
    /// </summary>
    public const long DescriptorsWanted = 16384;

    /// <summary>
    /// Below so much address space a node may end in the middle of its work: stacks of its threads, the collector's
    /// reserve and buffers (with 2 GB some runs ended, with 4 GiB none).
    /// </summary>
    public const long AddressSpaceLeast = 4L << 30;

    /// <summary>A TCP buffer that carries 200 MB/s with 30 ms between client and origin (their product).</summary>
    public const long TcpBufferWanted = 6_000_000;

    /// <summary>What a node needs beside <c>cache.memory</c>: 60 MB idle, thread stacks, connections, maps.</summary>
    public const long MemoryBesideBuffers = 192L << 20;

    /// <summary>
    /// Page cache with which warm reads of one shard are not from the disk: half of a usual shard of 4 GiB.
    /// </summary>
    public const long PageCacheWanted = 2L << 30;

    /// <summary>Control groups of version 1 without a limit show a number near 2^63.</summary>
    public const long MemoryWithoutLimit = 1L << 60;

    /// <summary>The doctor's file on a cache disk: many times what a disk's own buffer hides.</summary>
    public const long DiskProbeBytes = 256L << 20;

    /// <summary>The doctor writes to a disk for this long at most: 50 MB/s fill its file in that time.</summary>
    public static readonly TimeSpan DiskProbe = TimeSpan.FromSeconds(5);

    /// <summary>A cache disk should be no slower than one connection of an object store: 100-200 MB/s.</summary>
    public const double DiskBytesPerSecondWanted = 200e6;

    /// <summary>Signed requests are refused when clocks are this far apart (Amazon S3, RequestTimeTooSkewed).</summary>
    public static readonly TimeSpan ClockSkewMost = TimeSpan.FromMinutes(15);

    /// <summary>A clock that is disciplined by a time server is never this far off.</summary>
    public static readonly TimeSpan ClockSkewSeen = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A node that does not renew its lease for this long is gone: longer than pauses of a loaded host or an election
    /// in etcd (1-2 s), short enough that its chunks get an owner while people wait.
    /// </summary>
    public static readonly TimeSpan EtcdLease = TimeSpan.FromSeconds(10);

    /// <summary>One answer of etcd: it waits for two disks, and at most for an election.</summary>
    public static readonly TimeSpan EtcdAnswer = TimeSpan.FromSeconds(3);

    /// <summary>A node starts alone when etcd has not told the members after this.</summary>
    public static readonly TimeSpan EtcdFirstList = TimeSpan.FromSeconds(5);

    /// <summary>Giving the lease up when a node leaves; otherwise it ends by itself.</summary>
    public static readonly TimeSpan EtcdLeave = TimeSpan.FromSeconds(1);

    /// <summary>First pause before etcd is asked again.</summary>
    public static readonly TimeSpan EtcdBackoff = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest pause before etcd is asked again: well below the lease.</summary>
    public static readonly TimeSpan EtcdBackoffMost = TimeSpan.FromSeconds(2);

    /// <summary>A node that restarts is waited for this long: it is up within seconds, its caches are warm.</summary>
    public static readonly TimeSpan RestartPatience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// A peer of which something was asked and which sends nothing at all for this long is suspect: it promises a sign
    /// of life four times as often.
    /// </summary>
    public static readonly TimeSpan PeerSilence = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A receiving thread looks up from a silent connection this often: a quarter of <see cref="PeerSilence"/>.
    /// </summary>
    public static readonly TimeSpan PeerTick = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// A node that has nothing to send yet says so this often: it promises 250 ms, and its own clock ticks too.
    /// </summary>
    public static readonly TimeSpan PeerWaiting = TimeSpan.FromMilliseconds(150);

    /// <summary>After a verdict a peer is not asked for this long; as long as it takes to find a silent one.</summary>
    public static readonly TimeSpan PeerSuspectPause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A connection that has not said who it is after this long is closed: a handshake takes two round trips.
    /// </summary>
    public static readonly TimeSpan PeerHandshake = TimeSpan.FromSeconds(5);

    /// <summary>A node closes its own connections to others after this long without a request.</summary>
    public static readonly TimeSpan PeerIdle = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Connections that others left open without a word are closed after this long: twice what they promise.
    /// </summary>
    public static readonly TimeSpan PeerIdleMost = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Connections to one peer, over all its addresses: two carry more than one receiving thread checks on loopback,
    /// and more are threads for nothing.
    /// </summary>
    public const int PeerConnections = 2;

    /// <summary>Connections of others: 512 nodes with two each, and as many again that come and go.</summary>
    public const int PeerConnectionsIn = 2048;

    /// <summary>Requests and questions on one connection that are not answered yet: four reader's windows.</summary>
    public const int PeerRequests = 256;

    /// <summary>Head of a message: what its 16-bit length can say.</summary>
    public const int PeerHeadBytes = ushort.MaxValue;

    /// <summary>
    /// Payload of a question or an answer: holders of 8 TiB on 256 nodes are 32 MiB of bits and come in parts, block
    /// CRC lists of 4096 chunks are 550 KiB.
    /// </summary>
    public const int PeerBodyBytes = 8 << 20;

    /// <summary>Chunks whose block CRCs are asked for at once: 32 GiB of a version.</summary>
    public const int PeerCrcChunks = 4096;

    /// <summary>Threads that send to peers: on one core 2 saturate a card; a cold disk holds a thread up.</summary>
    public const int PeerSenders = 4;

    /// <summary>
    /// A sending thread waits this long for a peer's full window before it turns to another: many round trips of a
    /// data centre, and all threads together still look at each connection several times a second.
    /// </summary>
    public static readonly TimeSpan PeerLinger = TimeSpan.FromMilliseconds(5);

    /// <summary>A peer that takes nothing of what it asked for over this long is cut off.</summary>
    public static readonly TimeSpan PeerTakes = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Blocks in one frame of a stored chunk: 4 MiB, a full send buffer. A more urgent request waits for one
    /// frame at most.
    /// </summary>
    public const int PeerFrameBlocks = 16;

    /// <summary>Characters of a failure's sentence between nodes: ten lines of a terminal.</summary>
    public const int PeerSentence = 800;

    /// <summary>A node that waits for another one's restart looks at it this often.</summary>
    public static readonly TimeSpan PeerRestartLook = TimeSpan.FromMilliseconds(500);

    /// <summary>Chunks of which a node remembers to whom it gave them: 64 GiB, a minute's start of a cluster.</summary>
    public const int PeerGivenChunks = 8192;

    /// <summary>Holders that are asked for a chunk before the origin is.</summary>
    public const int HoldersAsked = 3;

    /// <summary>Versions of which a home remembers the holders: a cache of 10 TB is a few thousand files.</summary>
    public const int HomeVersions = 100_000;

    /// <summary>Homes are told in batches this far apart, and asked for holders no more often.</summary>
    public static readonly TimeSpan HaveBatch = TimeSpan.FromSeconds(1);

    /// <summary>Homes are told everything again this often, for one that restarted: some thousand messages.</summary>
    public static readonly TimeSpan HaveRefresh = TimeSpan.FromSeconds(30);
}
