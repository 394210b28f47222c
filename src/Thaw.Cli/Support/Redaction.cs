using System.Text.RegularExpressions;

namespace Thaw.Cli.Support;

/// <summary>
/// Takes out of text what could be a secret: users and queries of URLs, access keys, tokens, values beside words that
/// name a secret. The last line behind the rule that secrets are never collected.
/// </summary>
internal static partial class Redaction
{
    private const string Gone = "[redacted]";

    /// <summary>The text without them.</summary>
    public static string Apply(string text)
    {
        text = UserOfUrl().Replace(text, $"$1{Gone}@");
        text = QueryOfUrl().Replace(text, $"$1?{Gone}");
        text = AccessKey().Replace(text, Gone);
        text = Bearer().Replace(text, $"$1 {Gone}");
        return Named().Replace(text, $"$1{Gone}");
    }

    [GeneratedRegex("""([A-Za-z][A-Za-z0-9+.-]*://)[^/\s"'<>]*@""")]
    private static partial Regex UserOfUrl();

    [GeneratedRegex("""([A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>?]*)\?[^\s"'<>]*""")]
    private static partial Regex QueryOfUrl();

    // Amazon's identifiers (IAM user guide, unique identifiers) and Hugging Face's tokens.
    [GeneratedRegex(@"\b(?:A(?:KIA|SIA)[A-Z0-9]{12,}|hf_[A-Za-z0-9]{16,})\b")]
    private static partial Regex AccessKey();

    [GeneratedRegex(@"\b(Bearer|Basic|AWS4-HMAC-SHA256)\s+[^\r\n""']+", RegexOptions.IgnoreCase)]
    private static partial Regex Bearer();

    // secretKeyFile: /path is a name and stays; secretKey: value goes.
    [GeneratedRegex(
        """((?:secret|token|password|passwd|signature|access_?key|session)[A-Za-z_-]*(?<!File)["']?\s*[:=]\s*["']?)"""
        + """(?!\s)[^\s"',}]+""",
        RegexOptions.IgnoreCase)]
    private static partial Regex Named();
}
