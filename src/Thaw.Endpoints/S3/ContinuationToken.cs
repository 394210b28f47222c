using System.Buffers.Text;
using System.Text;

namespace Thaw.Endpoints.S3;

/// <summary>
/// The continuation of a listing: base64url of a version byte and the key after which the listing goes on. It holds no
/// state of the node, so any node takes any other's.
/// </summary>
internal static class ContinuationToken
{
    private const byte Version = 1;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Makes a token.</summary>
    public static string Write(string resumeAfter)
    {
        var bytes = new byte[1 + Encoding.UTF8.GetByteCount(resumeAfter)];
        bytes[0] = Version;
        Encoding.UTF8.GetBytes(resumeAfter, bytes.AsSpan(1));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads a token; false for anything that <see cref="Write"/> does not make.</summary>
    public static bool TryRead(string token, out string resumeAfter)
    {
        resumeAfter = "";
        if (!Base64Url.IsValid(token))
            return false;
        try
        {
            var bytes = Base64Url.DecodeFromChars(token);
            if (bytes.Length < 2 || bytes[0] != Version)
                return false;
            resumeAfter = StrictUtf8.GetString(bytes.AsSpan(1));
            return true;
        }
        catch (Exception error) when (error is FormatException or DecoderFallbackException)
        {
            return false;
        }
    }
}
