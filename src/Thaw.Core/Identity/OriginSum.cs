using System.Collections.Immutable;

namespace Thaw.Core.Identity;

/// <summary>Kinds of whole-object sums that origins publish. The values are part of the on-disk format.</summary>
public enum SumKind : byte
{
    /// <summary>The origin publishes none.</summary>
    None = 0,

    /// <summary>CRC-32C (Castagnoli), 4 bytes, big-endian as in <c>x-amz-checksum-crc32c</c>.</summary>
    Crc32C = 1,

    /// <summary>CRC-64/NVME, 8 bytes, big-endian as in <c>x-amz-checksum-crc64nvme</c>.</summary>
    Crc64Nvme = 2,

    /// <summary>MD5, 16 bytes; a plain 32-hex ETag counts as one.</summary>
    Md5 = 3,

    /// <summary>SHA-256, 32 bytes.</summary>
    Sha256 = 4,
}

/// <summary>A full-object sum published by the origin; never a composite (<c>-N</c>) one.</summary>
public sealed record OriginSum(SumKind Kind, ImmutableArray<byte> Value)
{
    /// <summary>Length in bytes of a sum of this kind.</summary>
    public static int LengthOf(SumKind kind) => kind switch
    {
        SumKind.Crc32C => 4,
        SumKind.Crc64Nvme => 8,
        SumKind.Md5 => 16,
        SumKind.Sha256 => 32,
        _ => 0,
    };

    /// <summary>CRCs combine from block sums and cost nothing; MD5 and sha256 need every byte once more.</summary>
    public bool IsCheap => Kind is SumKind.Crc32C or SumKind.Crc64Nvme;

    /// <summary>Whether a computed sum equals the published one.</summary>
    public bool Matches(ReadOnlySpan<byte> computed) => Value.AsSpan().SequenceEqual(computed);

    /// <inheritdoc />
    public bool Equals(OriginSum? other) => other is not null && Kind == other.Kind && Matches(other.Value.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() =>
        HashCode.Combine(Kind, Value.Length > 3 ? BitConverter.ToInt32(Value.AsSpan()) : 0);

    /// <inheritdoc />
    public override string ToString() => $"{Kind}:{Convert.ToHexStringLower(Value.AsSpan())}";
}
