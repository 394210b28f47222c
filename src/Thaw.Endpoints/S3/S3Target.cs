using System.Buffers;
using System.Text;
using Thaw.Core;

namespace Thaw.Endpoints.S3;

/// <summary>
/// Bucket, key and query of a request, taken from the raw request target. A server's normalised path loses what is part
/// of a key in S3: empty segments, dot segments, encoded slashes.
/// </summary>
/// <param name="Bucket">Bucket, or empty for the service itself.</param>
/// <param name="Key">Key, or empty for the bucket itself.</param>
/// <param name="Query">Decoded parameters.</param>
internal sealed record S3Target(string Bucket, string Key, S3Query Query)
{
    // What stands for itself in a key and in a query alike: visible ASCII but percent and plus.
    private static readonly SearchValues<char> Literal = SearchValues.Create(
        [.. Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Where(c => c is not '%' and not '+')]);

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads a target in origin form or absolute form.</summary>
    /// <param name="rawTarget">The request line's target, undecoded.</param>
    /// <param name="host">The Host header, with or without a port.</param>
    /// <param name="domain">Domain of virtual-host style requests, or null.</param>
    /// <param name="error">Why the target cannot be.</param>
    public static S3Target? Parse(string rawTarget, string? host, string? domain, out S3Error? error)
    {
        var target = WithoutAuthority(rawTarget.AsSpan());
        var mark = target.IndexOf('?');
        var path = mark < 0 ? target : target[..mark];
        if (path.Length == 0 || path[0] != '/')
        {
            error = S3Error.InvalidUri("The request target has no path that starts with a slash.");
            return null;
        }

        if (!S3Query.TryParse(mark < 0 ? default : target[(mark + 1)..], out var query, out error))
            return null;
        path = path[1..];
        if (BucketOfHost(host, domain) is { } bucket)
            return TryDecode(path, plusIsSpace: false, out var hostedKey, out error)
                ? Checked(new S3Target(bucket, hostedKey, query), out error)
                : null;

        var slash = path.IndexOf('/');
        var bucketPart = slash < 0 ? path : path[..slash];
        var keyPart = slash < 0 ? default : path[(slash + 1)..];
        return TryDecode(bucketPart, plusIsSpace: false, out var named, out error)
            && TryDecode(keyPart, plusIsSpace: false, out var key, out error)
            ? Checked(new S3Target(named, key, query), out error)
            : null;
    }

    /// <summary>Percent-decodes exactly once; the result must be UTF-8 without a NUL.</summary>
    public static bool TryDecode(
        ReadOnlySpan<char> text, bool plusIsSpace, out string decoded, out S3Error? error)
    {
        (decoded, error) = ("", null);
        if (!text.ContainsAnyExcept(Literal))
        {
            decoded = text.ToString();
            return true;
        }

        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                {
                    error = S3Error.InvalidUri("A percent sign in the URI is not followed by two hexadecimal digits.");
                    return false;
                }

                bytes[count++] = Convert.FromHexString(text.Slice(i + 1, 2))[0];
                i += 2;
            }
            else if (c > 0x7f)
            {
                error = S3Error.InvalidUri("The URI holds a character that is neither ASCII nor percent-encoded.");
                return false;
            }
            else
            {
                bytes[count++] = plusIsSpace && c == '+' ? (byte)' ' : (byte)c;
            }
        }

        return TryText(bytes.AsSpan(0, count), out decoded, out error);
    }

    private static bool TryText(ReadOnlySpan<byte> bytes, out string text, out S3Error? error)
    {
        (text, error) = ("", null);
        if (bytes.Contains((byte)0))
        {
            error = S3Error.InvalidUri("The URI holds an encoded NUL character, which no key can have.");
            return false;
        }

        try
        {
            text = StrictUtf8.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            error = S3Error.InvalidUri("The URI does not decode to UTF-8.");
            return false;
        }
    }

    private static S3Target? Checked(S3Target target, out S3Error? error)
    {
        error = Encoding.UTF8.GetByteCount(target.Key) > Limits.KeyBytes ? S3Error.KeyTooLong() : null;
        return error is null ? target : null;
    }

    private static ReadOnlySpan<char> WithoutAuthority(ReadOnlySpan<char> target)
    {
        var scheme = target.IndexOf("://");
        if (target.Length == 0 || target[0] == '/' || scheme < 0)
            return target;
        var rest = target[(scheme + 3)..];
        var end = rest.IndexOfAny('/', '?');
        return end < 0 ? "/" : rest[end] == '?' ? string.Concat("/", rest[end..]) : rest[end..];
    }

    private static string? BucketOfHost(string? host, string? domain)
    {
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(domain))
            return null;
        var colon = host.LastIndexOf(':');
        var name = colon < 0 || host.EndsWith(']') ? host : host[..colon];
        return name.Length > domain.Length + 1 && name.EndsWith(domain, StringComparison.OrdinalIgnoreCase)
            && name[^(domain.Length + 1)] == '.'
                ? name[..^(domain.Length + 1)].ToLowerInvariant()
                : null;
    }
}
