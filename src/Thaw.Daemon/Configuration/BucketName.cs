using System.Net;

namespace Thaw.Daemon.Configuration;

/// <summary>Bucket naming rules (Amazon S3 user guide, general purpose bucket naming rules).</summary>
internal static class BucketName
{
    private static readonly string[] Prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
    private static readonly string[] Suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

    /// <summary>What is wrong with the name, as the end of a sentence; null when it may be used.</summary>
    public static string? Check(string name)
    {
        if (name.Length is < 3 or > 63)
            return $"has a length of {name.Length}; use 3 to 63 characters";
        if (name.Any(letter =>
            !char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter is not ('.' or '-')))
            return "may hold only lower-case letters, digits, '.' and '-'";
        if (!char.IsAsciiLetterOrDigit(name[0]) || !char.IsAsciiLetterOrDigit(name[^1]))
            return "has to begin and end with a letter or digit";
        if (name.Contains("..", StringComparison.Ordinal))
            return "may not hold two dots in a row";
        if (name.Count(letter => letter == '.') == 3 && IPAddress.TryParse(name, out _))
            return "may not look like an IP address";
        if (Prefixes.FirstOrDefault(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) is { } reserved)
            return $"may not begin with \"{reserved}\"";
        return Suffixes.FirstOrDefault(suffix => name.EndsWith(suffix, StringComparison.Ordinal)) is { } ending
            ? $"may not end with \"{ending}\"" : null;
    }
}
