using System.Security.Cryptography;
using Thaw.Core.Checksums;
using Thaw.Testing;

namespace Thaw.Faults;

/// <summary>
/// One client that reads an object over HTTP from front to back, at its own pace, perhaps not to the end, and sums up
/// what it gets.
/// </summary>
internal sealed record Download(HttpClient Http, Uri Address)
{
    private const int PieceBytes = 256 << 10;

    /// <summary>Bytes a second; null: as fast as they come.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Hangs up after exactly so many bytes.</summary>
    public long HangUpAfter { get; init; } = long.MaxValue;

    /// <summary>Computes the sha256 too.</summary>
    public bool WithSha256 { get; init; }

    /// <summary>Told how far it came, from the reading thread.</summary>
    public Action<long>? Progress { get; init; }

    /// <summary>Reads; a broken or short answer is an exception of the HTTP client.</summary>
    public async Task<Downloaded> RunAsync(CancellationToken cancellationToken)
    {
        var pace = BytesPerSecond is { } rate ? new SharedBandwidth(rate) : null;
        using var sha256 = WithSha256 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        using var answer = await Http.GetAsync(Address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        answer.EnsureSuccessStatusCode();
        var announced = answer.Content.Headers.ContentLength;
        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = GC.AllocateUninitializedArray<byte>(PieceBytes);
        uint crc = 0;
        long bytes = 0;
        while (bytes < HangUpAfter)
        {
            var most = (int)Math.Min(buffer.Length, HangUpAfter - bytes);
            var read = await body.ReadAsync(buffer.AsMemory(0, most), cancellationToken);
            if (read == 0)
                break;
            bytes += read;
            crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
            sha256?.AppendData(buffer, 0, read);
            Progress?.Invoke(bytes);
            if (pace is not null)
                await pace.SendAsync(read, cancellationToken);
        }

        return new Downloaded(
            bytes, announced, crc, sha256 is null ? null : Convert.ToHexStringLower(sha256.GetHashAndReset()));
    }
}

/// <summary>What a client got.</summary>
/// <param name="Bytes">Bytes received.</param>
/// <param name="AnnouncedBytes">Content-Length of the answer.</param>
/// <param name="Crc32C">CRC-32C of the bytes received.</param>
/// <param name="Sha256">Their sha256, if it was asked for.</param>
internal sealed record Downloaded(long Bytes, long? AnnouncedBytes, uint Crc32C, string? Sha256);
