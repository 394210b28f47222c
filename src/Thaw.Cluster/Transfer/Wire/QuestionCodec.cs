using System.Collections.Immutable;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Questions as messages. The tags mean the same in every kind.</summary>
internal static class QuestionCodec
{
    private const byte Resolve = 1;
    private const byte Holders = 2;
    private const byte BlockCrcs = 3;
    private const byte Have = 4;
    private const byte List = 5;
    private const byte BadBlocks = 6;
    private const byte Control = 7;

    /// <summary>The message, or null when it would be too large.</summary>
    public static byte[]? Write(PeerQuestion question, uint request)
    {
        var fields = new FieldWriter();
        var kind = question switch
        {
            ResolveQuestion resolve => Write(fields, resolve),
            HoldersQuestion holders => Write(fields, Holders, holders.Place, holders.Id),
            BlockCrcsQuestion crcs => Write(fields, crcs),
            HaveQuestion have => Write(fields, have),
            ListQuestion list => Write(fields, list),
            BadBlocksQuestion bad => Write(fields, bad),
            ControlQuestion control => Write(fields, control),
            _ => throw new InvalidOperationException($"{question.GetType().Name} has no kind."),
        };
        return BodyCodec.Compose(MessageType.Question, request, kind, fields);
    }

    /// <summary>The question, or null when the bytes are none that this node knows.</summary>
    public static PeerQuestion? TryRead(ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload)
    {
        var kind = BodyCodec.KindOf(head, payload);
        return kind is 0 or > Control || Read(payload) is not { } parts ? null : parts.ToQuestion(kind);
    }

    private static byte Write(FieldWriter fields, byte kind, PeerPlace place, ContentId id)
    {
        fields.Parts(1, parts => VersionCodec.Write(parts, place));
        id.CopyTo(fields.Start(3, ContentId.Length));
        return kind;
    }

    private static byte Write(FieldWriter fields, ResolveQuestion resolve)
    {
        fields.Parts(1, parts => VersionCodec.Write(parts, resolve.Place)).Byte(2, resolve.IsFresh ? (byte)1 : (byte)0);
        return Resolve;
    }

    private static byte Write(FieldWriter fields, BlockCrcsQuestion crcs)
    {
        Write(fields, BlockCrcs, crcs.Place, crcs.Id);
        fields.UInt32(4, (uint)crcs.FirstChunk).UInt32(5, (uint)crcs.ChunkCount);
        return BlockCrcs;
    }

    private static byte Write(FieldWriter fields, HaveQuestion have)
    {
        Write(fields, Have, have.Place, have.Id);
        fields.Int64(6, have.SizeBytes).Bytes(7, have.Chunks.Bits.AsSpan()).UInt32(8, (uint)have.Chunks.FirstChunk);
        foreach (var crcs in have.Crcs)
            fields.Parts(9, parts => BodyCodec.Write(parts, crcs));
        fields.Byte(10, have.ReplacesAll ? (byte)1 : (byte)0);
        return Have;
    }

    private static byte Write(FieldWriter fields, ListQuestion list)
    {
        fields.Parts(1, parts => VersionCodec.Write(parts, list.Place));
        if (list.Request.Delimiter is { } delimiter)
            fields.Text(11, delimiter);
        fields.Text(12, list.Request.StartAfter).UInt32(13, (uint)list.Request.MaxKeys);
        return List;
    }

    private static byte Write(FieldWriter fields, BadBlocksQuestion bad)
    {
        bad.Id.CopyTo(fields.Start(3, ContentId.Length));
        fields.UInt32(14, (uint)bad.Chunk).UInt32(15, bad.Blocks);
        return BadBlocks;
    }

    private static byte Write(FieldWriter fields, ControlQuestion control)
    {
        fields.Byte(16, (byte)control.Call).Bytes(17, control.Json.AsSpan());
        return Control;
    }

    private static Parts? Read(ReadOnlySpan<byte> payload)
    {
        var parts = new Parts();
        var fields = new FieldReader(payload);
        while (fields.Next())
            switch (fields.Tag)
            {
                case 1: parts.Place = VersionCodec.TryReadPlace(fields.Value); break;
                case 2: parts.IsFresh = fields.Byte() != 0; break;
                case 3: parts.Id = fields.Id(); break;
                case 4: parts.FirstChunk = fields.Count(); break;
                case 5: parts.ChunkCount = fields.Count(); break;
                case 6: parts.SizeBytes = fields.Int64(); break;
                case 7: parts.Bits = [.. fields.Value]; break;
                case 8: parts.BitsFrom = fields.Count(); break;
                case 9: parts.Crcs.Add(BodyCodec.TryReadCrcs(fields.Value)); break;
                case 10: parts.ReplacesAll = fields.Byte() != 0; break;
                case 11: parts.Delimiter = fields.Text(); break;
                case 12: parts.StartAfter = fields.Text(); break;
                case 13: parts.MaxKeys = fields.Count(); break;
                case 14: parts.BadChunk = fields.Count(); break;
                case 15: parts.BadBits = fields.UInt32(); break;
                case 16: parts.Call = (ControlCall)fields.Byte(); break;
                case 17: parts.Json = [.. fields.Value]; break;
            }

        return fields.IsBroken ? null : parts;
    }

    /// <summary>All that a question may hold; what a kind needs must be there.</summary>
    private sealed class Parts
    {
        public PeerPlace? Place { get; set; }
        public bool IsFresh { get; set; }
        public ContentId? Id { get; set; }
        public int FirstChunk { get; set; }
        public int ChunkCount { get; set; }
        public long SizeBytes { get; set; } = -1;
        public ImmutableArray<byte> Bits { get; set; } = [];
        public int BitsFrom { get; set; }
        public List<ChunkCrcs?> Crcs { get; } = [];
        public bool ReplacesAll { get; set; }
        public string? Delimiter { get; set; }
        public string StartAfter { get; set; } = "";
        public int MaxKeys { get; set; }
        public int BadChunk { get; set; } = -1;
        public uint BadBits { get; set; }
        public ControlCall Call { get; set; }
        public ImmutableArray<byte> Json { get; set; } = [];

        public PeerQuestion? ToQuestion(byte kind) => kind switch
        {
            Resolve when Place is { } place => new ResolveQuestion(place, IsFresh),
            Holders when (Place, Id) is ({ } place, { } id) => new HoldersQuestion(place, id),
            BlockCrcs when (Place, Id) is ({ } place, { } id) && ChunkCount is > 0 and <= Core.Limits.PeerCrcChunks =>
                new BlockCrcsQuestion(place, id, FirstChunk, ChunkCount),
            Have when (Place, Id) is ({ } place, { } id) && SizeBytes >= 0 && !Crcs.Contains(null) => new HaveQuestion(
                place, id, SizeBytes, new ChunkBits(BitsFrom, Bits), [.. Crcs.OfType<ChunkCrcs>()], ReplacesAll),
            List when Place is { } place && MaxKeys is > 0 and <= Core.Limits.ListPageKeys =>
                new ListQuestion(place, new ListRequest(place.Key, Delimiter, StartAfter, MaxKeys)),
            BadBlocks when Id is { } id && BadChunk >= 0 => new BadBlocksQuestion(id, BadChunk, BadBits),
            Control when Enum.IsDefined(Call) => new ControlQuestion(Call, Json),
            _ => null,
        };
    }
}
