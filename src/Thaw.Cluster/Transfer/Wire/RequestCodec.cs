using System.Buffers.Binary;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Heads of <c>request</c>.</summary>
internal static class RequestCodec
{
    private const byte OnlyHeld = 1;
    private const byte Final = 2;
    private const byte Fetcher = 4;
    private const byte StandIn = 8;

    public static byte[] Write(PeerRequest request)
    {
        var fields = new FieldWriter();
        request.Id.CopyTo(fields.Start(1, ContentId.Length));
        fields.Int64(2, request.SizeBytes).UInt32(3, (uint)request.Chunk);
        if (request.FirstBlock != 0 || request.BlockCount != 0)
        {
            var range = fields.Start(4, 2 * sizeof(ushort));
            BinaryPrimitives.WriteUInt16LittleEndian(range, (ushort)request.FirstBlock);
            BinaryPrimitives.WriteUInt16LittleEndian(range[sizeof(ushort)..], (ushort)request.BlockCount);
        }

        fields.Byte(5, (byte)request.Priority);
        if (request.Patience is { } patience)
            fields.UInt32(6, (uint)Math.Clamp(patience.TotalMilliseconds, 0, uint.MaxValue));
        fields.Byte(7, (byte)(
            (request.IsOnlyHeld ? OnlyHeld : 0) | (request.IsFinal ? Final : 0) | (request.CanFetch ? Fetcher : 0)
            | (request.IsToStandIn ? StandIn : 0)));
        if (request.Place is { } place)
            fields.Parts(8, parts => VersionCodec.Write(parts, place));
        if (request.Version is { } version)
            fields.Parts(9, parts => VersionCodec.Write(parts, version, isWhole: false));
        return fields.Byte(10, (byte)request.Cause).ToArray();
    }

    public static PeerRequest? TryRead(ReadOnlySpan<byte> head)
    {
        var request = new PeerRequest { Id = default, SizeBytes = -1, Chunk = -1 };
        var fields = new FieldReader(head);
        while (fields.Next())
            request = fields.Tag switch
            {
                1 => request with { Id = fields.Id() },
                2 => request with { SizeBytes = fields.Int64() },
                3 => request with { Chunk = fields.Count() },
                4 => WithRange(request, ref fields),
                5 => request with { Priority = (PeerPriority)Math.Min(fields.Byte(), (byte)PeerPriority.Job) },
                6 => request with { Patience = TimeSpan.FromMilliseconds(fields.UInt32()) },
                7 => WithFlags(request, fields.Byte()),
                8 => WithPlace(request, ref fields),
                9 => WithVersion(request, ref fields),
                10 => request with { Cause = CauseOf(fields.Byte()) },
                _ => request,
            };
        return !fields.IsBroken && request.IsPossible ? request : null;
    }

    private static PeerRequest WithRange(PeerRequest request, ref FieldReader fields)
    {
        var range = fields.UInt32();
        return request with { FirstBlock = (int)(range & ushort.MaxValue), BlockCount = (int)(range >> 16) };
    }

    private static PeerRequest WithFlags(PeerRequest request, byte flags) => request with
    {
        IsOnlyHeld = (flags & OnlyHeld) != 0,
        IsFinal = (flags & Final) != 0,
        CanFetch = (flags & Fetcher) != 0,
        IsToStandIn = (flags & StandIn) != 0,
    };

    private static PeerRequest WithPlace(PeerRequest request, ref FieldReader fields)
    {
        if (VersionCodec.TryReadPlace(fields.Value) is { } place)
            return request with { Place = place };
        fields.Break();
        return request;
    }

    private static PeerRequest WithVersion(PeerRequest request, ref FieldReader fields)
    {
        if (VersionCodec.TryRead(fields.Value) is { } version)
            return request with { Version = version };
        fields.Break();
        return request;
    }

    // A cause that a newer node knows counts as a reader's: that is who pays for most.
    private static OriginCause CauseOf(byte cause) =>
        Enum.IsDefined((OriginCause)cause) ? (OriginCause)cause : OriginCause.Reader;
}
