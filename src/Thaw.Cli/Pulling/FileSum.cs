using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Thaw.Core.Checksums;

namespace Thaw.Cli.Pulling;

/// <summary>Compares a file with the sums that are known of an object.</summary>
internal static class FileSum
{
    private const int BufferBytes = 1 << 20;

    /// <summary>
    /// The best known sum and whether the file matches it: CRC-32C, else a plain ETag as MD5, else <c>none</c>, which
    /// matches nothing.
    /// </summary>
    public static async Task<(string Sum, bool Matches)> CompareAsync(
        string file, string? crc32C, string etag, CancellationToken cancellationToken)
    {
        await using var stream =
            new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0, FileOptions.SequentialScan);
        if (crc32C is not null)
            return ("crc32c", await ComputeCrcAsync(stream, cancellationToken) == crc32C.ToLowerInvariant());
        var plain = etag.Trim('"');
        if (plain.Length != 32 || !plain.All(char.IsAsciiHexDigit))
            return ("none", false);
        var md5 = await MD5.HashDataAsync(stream, cancellationToken);
        return ("md5", string.Equals(Convert.ToHexString(md5), plain, StringComparison.OrdinalIgnoreCase));
    }

    private static async Task<string> ComputeCrcAsync(FileStream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var crc = 0u;
            int read;
            while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
                crc = Crc32C.Append(crc, buffer.AsSpan(0, read));
            return crc.ToString("x8", CultureInfo.InvariantCulture);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
