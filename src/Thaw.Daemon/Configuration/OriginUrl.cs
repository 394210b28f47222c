using Thaw.Core.Configuration;

namespace Thaw.Daemon.Configuration;

/// <summary>Where the objects of a mount come from, taken apart.</summary>
internal sealed record OriginUrl(OriginScheme Scheme, string Bucket, string Prefix)
{
    private static readonly string[] Planned = ["gs", "az", "hf", "https", "http"];

    /// <summary>Takes an origin apart; the sentence says what is wrong.</summary>
    public static (OriginUrl? Url, string? Sentence) Parse(string text)
    {
        var separator = text.IndexOf("://", StringComparison.Ordinal);
        if (separator <= 0)
            return (null,
                $"\"{OptionText.Shorten(text)}\" is not a URL; write s3://bucket/prefix or file:///directory.");
        var scheme = text[..separator];
        var rest = text[(separator + 3)..];
        if (rest.AsSpan().IndexOfAny('?', '#', '\0') >= 0)
            return (null, "an origin has no '?', '#' or NUL; write the plain bucket and prefix.");
        return scheme switch
        {
            "s3" => ParseS3(rest),
            "file" => ParseFile(rest),
            _ when Planned.Contains(scheme) =>
                (null, $"{scheme}:// is known, but not in this version; use s3:// or file://."),
            _ => (null, $"\"{OptionText.Shorten(scheme)}://\" is not a known scheme; use s3:// or file://."),
        };
    }

    private static (OriginUrl?, string?) ParseS3(string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? rest : rest[..slash];
        var prefix = slash < 0 ? "" : rest[(slash + 1)..];
        // Buckets of old accounts and of compatible services may have names that are refused for new ones.
        if (bucket.Length is < 1 or > 255 || bucket.AsSpan().IndexOfAny(" @:\\") >= 0)
            return (null, $"\"{OptionText.Shorten(bucket)}\" is no bucket; write s3://bucket/prefix.");
        if (prefix.StartsWith('/') || prefix.Contains("//", StringComparison.Ordinal))
            return (null, "the prefix holds an empty part; write s3://bucket/prefix with single slashes.");
        return (new OriginUrl(
            OriginScheme.S3, bucket, prefix.Length == 0 || prefix.EndsWith('/') ? prefix : prefix + "/"), null);
    }

    private static (OriginUrl?, string?) ParseFile(string rest)
    {
        if (!rest.StartsWith('/'))
            return (null, "a directory needs an absolute path with three slashes: file:///directory.");
        if (rest.Contains('%'))
            return (null, "percent signs are not decoded in file:// origins; write the path as it is.");
        return (new OriginUrl(OriginScheme.File, "", Path.TrimEndingDirectorySeparator(Path.GetFullPath(rest))), null);
    }
}
