using System.Security.Cryptography;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Who a node is, in the first message that it sends on a connection.</summary>
internal sealed record Hello
{
    public const int NonceBytes = 32;

    /// <summary>The protocol of this program, and the oldest that it still speaks.</summary>
    public const ushort Protocol = 1;

    public ushort Newest { get; init; } = Protocol;

    public ushort Oldest { get; init; } = Protocol;

    public required string Cluster { get; init; }

    public required string Node { get; init; }

    /// <summary>The node that is asked, as the asking one knows it; empty in answers.</summary>
    public string Asked { get; init; } = "";

    public long SnapshotNumber { get; init; }

    public ulong SnapshotHash { get; init; }

    public required byte[] Nonce { get; init; }

    public string Software { get; init; } = "";

    /// <summary>A node's own, with a new nonce.</summary>
    public static Hello Of(string cluster, string node, ClusterSnapshot snapshot, string asked = "") => new()
    {
        Cluster = cluster,
        Node = node,
        Asked = asked,
        SnapshotNumber = snapshot.Number,
        SnapshotHash = snapshot.Hash,
        Nonce = RandomNumberGenerator.GetBytes(NonceBytes),
        Software = Core.ThawVersion.Text,
    };

    public byte[] ToHead()
    {
        var fields = new FieldWriter().UInt16(1, Newest).UInt16(2, Oldest).Text(3, Cluster).Text(4, Node)
            .Int64(5, SnapshotNumber).Int64(6, (long)SnapshotHash).Bytes(7, Nonce).Text(8, Software);
        return (Asked.Length > 0 ? fields.Text(9, Asked) : fields).ToArray();
    }

    public static Hello? TryRead(ReadOnlySpan<byte> head)
    {
        var hello = new Hello { Newest = 0, Oldest = 0, Cluster = "", Node = "", Nonce = [] };
        var fields = new FieldReader(head);
        while (fields.Next())
            hello = fields.Tag switch
            {
                1 => hello with { Newest = fields.UInt16() },
                2 => hello with { Oldest = fields.UInt16() },
                3 => hello with { Cluster = fields.Text() },
                4 => hello with { Node = fields.Text() },
                5 => hello with { SnapshotNumber = fields.Int64() },
                6 => hello with { SnapshotHash = (ulong)fields.Int64() },
                7 => hello with { Nonce = fields.Bytes() },
                8 => hello with { Software = fields.Text() },
                9 => hello with { Asked = fields.Text() },
                _ => hello,
            };
        var isWhole = hello.Newest > 0 && hello.Oldest <= hello.Newest && hello.Node.Length > 0
            && hello.Nonce.Length == NonceBytes;
        return !fields.IsBroken && isWhole ? hello : null;
    }

    /// <summary>What a node proves that it knows the secret with.</summary>
    /// <param name="secret">The cluster's secret; may be empty.</param>
    /// <param name="asks">Whether the proving node is the one that asks.</param>
    /// <param name="firstHead">Head of the asking node's hello, as it went over the wire.</param>
    /// <param name="secondHead">Head of the other one's.</param>
    public static byte[] Prove(
        ReadOnlySpan<byte> secret, bool asks, ReadOnlySpan<byte> firstHead, ReadOnlySpan<byte> secondHead)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        mac.AppendData(asks ? "thaw-peer-1 asks\n"u8 : "thaw-peer-1 answers\n"u8);
        mac.AppendData(firstHead);
        mac.AppendData(secondHead);
        return mac.GetHashAndReset();
    }
}
