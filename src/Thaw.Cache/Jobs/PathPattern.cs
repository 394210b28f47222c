using System.Text;
using System.Text.RegularExpressions;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Cache.Jobs;

/// <summary>
/// A path of a verb: one object, a prefix (trailing slash, or a mount alone), or a glob in which <c>*</c> stays within
/// a path segment and <c>**</c> does not.
/// </summary>
internal sealed class PathPattern
{
    private readonly Regex? _glob;

    private PathPattern(ObjectPath path, string prefix, Regex? glob) => (Path, Prefix, _glob) = (path, prefix, glob);

    public ObjectPath Path { get; }

    /// <summary>Every key that matches starts with this.</summary>
    public string Prefix { get; }

    /// <summary>Whether exactly one key can match.</summary>
    public bool IsSingle => _glob is null && !Path.IsPrefix;

    public static Result<PathPattern> Parse(string text)
    {
        if (!ObjectPath.TryParse(text, out var path))
            return new Failure(FailureKind.InvalidRequest,
                $"\"{text}\" is no path; write mount/key, mount/prefix/ or a glob such as mount/llama-*/**.");
        var star = path.Key.IndexOf('*', StringComparison.Ordinal);
        return star < 0
            ? new PathPattern(path, path.Key, null)
            : new PathPattern(path, path.Key[..star], ToRegex(path.Key));
    }

    public bool Matches(string key) =>
        _glob?.IsMatch(key) ?? (Path.IsPrefix ? key.StartsWith(Prefix, StringComparison.Ordinal) : key == Path.Key);

    private static Regex ToRegex(string glob)
    {
        var pattern = new StringBuilder("^");
        for (var index = 0; index < glob.Length; index++)
        {
            if (glob[index] != '*')
                pattern.Append(Regex.Escape(glob[index].ToString()));
            else if (index + 1 < glob.Length && glob[index + 1] == '*')
            {
                pattern.Append(".*");
                index++;
            }
            else
                pattern.Append("[^/]*");
        }

        // Linear in the key's length, whatever the glob.
        return new Regex(pattern.Append('$').ToString(),
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }
}
