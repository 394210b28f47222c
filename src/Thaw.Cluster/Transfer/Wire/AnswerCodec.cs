using System.Collections.Immutable;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Answers as messages; each kind of answer is a kind of its own.</summary>
internal static class AnswerCodec
{
    private const byte Done = 1;
    private const byte Version = 2;
    private const byte Holders = 3;
    private const byte BlockCrcs = 4;
    private const byte List = 5;
    private const byte Control = 6;

    /// <summary>A hundred years in milliseconds: nobody knows any more.</summary>
    private const long MostAge = 100L * 365 * 86_400_000;

    /// <summary>The message, or null when it would be too large.</summary>
    public static byte[]? Write(PeerAnswer answer, uint request)
    {
        var fields = new FieldWriter();
        var kind = answer switch
        {
            DoneAnswer => Done,
            VersionAnswer version => Write(fields, version),
            HoldersAnswer holders => Write(fields, holders),
            BlockCrcsAnswer crcs => Write(fields, crcs),
            ListAnswer list => Write(fields, list.Page),
            ControlAnswer control => Write(fields, control),
            _ => throw new InvalidOperationException($"{answer.GetType().Name} has no kind."),
        };
        return BodyCodec.Compose(MessageType.Answer, request, kind, fields);
    }

    /// <summary>The answer, or null when the bytes are none that this node knows.</summary>
    public static PeerAnswer? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload) =>
        BodyCodec.KindOf(head, payload) switch
        {
            Done => new DoneAnswer(),
            Version => ReadVersion(payload),
            Holders => ReadHolders(payload),
            BlockCrcs => ReadCrcs(payload),
            List => ReadList(payload),
            Control => ReadControl(payload),
            _ => null,
        };

    private static byte Write(FieldWriter fields, VersionAnswer version)
    {
        fields.Parts(1, parts => VersionCodec.Write(parts, version.Version, isWhole: true));
        if (version.Age > TimeSpan.Zero)
            fields.Int64(6, (long)Math.Ceiling(version.Age.TotalMilliseconds));
        return Version;
    }

    private static byte Write(FieldWriter fields, HoldersAnswer holders)
    {
        foreach (var holding in holders.Holdings)
            fields.Parts(2, parts => parts.Text(1, holding.Node).Bytes(2, holding.Chunks.Bits.AsSpan())
                .UInt32(3, (uint)holding.Chunks.FirstChunk));
        return Holders;
    }

    private static byte Write(FieldWriter fields, BlockCrcsAnswer crcs)
    {
        foreach (var list in crcs.Crcs)
            fields.Parts(3, parts => BodyCodec.Write(parts, list));
        return BlockCrcs;
    }

    private static byte Write(FieldWriter fields, ListPage page)
    {
        foreach (var entry in page.Entries)
            fields.Parts(4, parts => parts.Text(1, entry.Key).Int64(2, entry.SizeBytes).Text(3, entry.ETag)
                .Int64(4, entry.LastModified.UtcTicks));
        fields.Byte(5, page.IsTruncated ? (byte)1 : (byte)0);
        return List;
    }

    private static byte Write(FieldWriter fields, ControlAnswer control)
    {
        fields.Bytes(7, control.Json.AsSpan());
        return Control;
    }

    private static ControlAnswer? ReadControl(ReadOnlySpan<byte> payload)
    {
        ImmutableArray<byte> json = [];
        var fields = new FieldReader(payload);
        while (fields.Next())
            if (fields.Tag == 7)
                json = [.. fields.Value];
        return fields.IsBroken ? null : new ControlAnswer(json);
    }

    private static VersionAnswer? ReadVersion(ReadOnlySpan<byte> payload)
    {
        ObjectVersion? version = null;
        long age = 0;
        var fields = new FieldReader(payload);
        while (fields.Next())
            if (fields.Tag == 1)
                version = VersionCodec.TryRead(fields.Value);
            else if (fields.Tag == 6)
                age = fields.Int64();
        return fields.IsBroken || version is null
            ? null : new VersionAnswer(version, TimeSpan.FromMilliseconds(Math.Clamp(age, 0, MostAge)));
    }

    private static HoldersAnswer? ReadHolders(ReadOnlySpan<byte> payload)
    {
        var holdings = ImmutableArray.CreateBuilder<PeerHolding>();
        var fields = new FieldReader(payload);
        while (fields.Next())
        {
            if (fields.Tag != 2)
                continue;
            if (ReadHolding(fields.Value) is not { } holding)
                return null;
            holdings.Add(holding);
        }

        return fields.IsBroken ? null : new HoldersAnswer(holdings.ToImmutable());
    }

    private static PeerHolding? ReadHolding(ReadOnlySpan<byte> bytes)
    {
        var (node, bits, first) = ("", ImmutableArray<byte>.Empty, 0);
        var fields = new FieldReader(bytes);
        while (fields.Next())
            switch (fields.Tag)
            {
                case 1: node = fields.Text(); break;
                case 2: bits = [.. fields.Value]; break;
                case 3: first = fields.Count(); break;
            }

        return fields.IsBroken || node.Length == 0 ? null : new PeerHolding(node, new ChunkBits(first, bits));
    }

    private static BlockCrcsAnswer? ReadCrcs(ReadOnlySpan<byte> payload)
    {
        var lists = ImmutableArray.CreateBuilder<ChunkCrcs>();
        var fields = new FieldReader(payload);
        while (fields.Next())
        {
            if (fields.Tag != 3)
                continue;
            if (BodyCodec.TryReadCrcs(fields.Value) is not { } crcs)
                return null;
            lists.Add(crcs);
        }

        return fields.IsBroken ? null : new BlockCrcsAnswer(lists.ToImmutable());
    }

    private static ListAnswer? ReadList(ReadOnlySpan<byte> payload)
    {
        var entries = ImmutableArray.CreateBuilder<ListEntry>();
        var isTruncated = false;
        var fields = new FieldReader(payload);
        while (fields.Next())
        {
            if (fields.Tag == 5)
                isTruncated = fields.Byte() != 0;
            if (fields.Tag != 4)
                continue;
            if (ReadEntry(fields.Value) is not { } entry)
                return null;
            entries.Add(entry);
        }

        return fields.IsBroken ? null : new ListAnswer(new ListPage(entries.ToImmutable(), isTruncated));
    }

    private static ListEntry? ReadEntry(ReadOnlySpan<byte> bytes)
    {
        var (key, size, etag, modified) = (default(string), -1L, "", default(DateTimeOffset));
        var fields = new FieldReader(bytes);
        while (fields.Next())
            switch (fields.Tag)
            {
                case 1: key = fields.Text(); break;
                case 2: size = fields.Int64(); break;
                case 3: etag = fields.Text(); break;
                case 4: modified = fields.Time(); break;
            }

        return fields.IsBroken || key is null ? null : new ListEntry(key, size, etag, modified);
    }
}
