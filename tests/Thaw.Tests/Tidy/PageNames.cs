using System.Text.RegularExpressions;

namespace Thaw.Tests.Tidy;

/// <summary>
/// Checks what pages say against the checkout. A name in back-ticks is: a path or link (must exist), a command line
/// (script, verb and options must exist), or words (each must be a word of code, project files or scripts, or stand in
/// <c>page-words.txt</c>). Placeholders in capitals, numbers and punctuation are left alone.
/// </summary>
/// <param name="Files">Every file of the checkout.</param>
/// <param name="Words">Every word of code and scripts.</param>
/// <param name="Foreign">Names of other people's tools, formats and protocols.</param>
/// <param name="Verbs">String literals of the command line project: verbs and options among them.</param>
internal sealed partial record PageNames(
    IReadOnlyCollection<string> Files, IReadOnlySet<string> Words, IReadOnlySet<string> Foreign,
    IReadOnlySet<string> Verbs)
{
    private readonly HashSet<string> _tops = [.. Files.Select(file => file.Split('/')[0])];

    /// <summary>Foreign names that a page has used so far.</summary>
    public HashSet<string> Used { get; } = [];

    /// <summary>What does not exist, one sentence each.</summary>
    public IEnumerable<string> Problems(string page, string text)
    {
        string? fence = null;
        foreach (var (index, line) in text.Split('\n').Index())
        {
            var at = $"{page}:{index + 1}";
            if (Fence().Match(line) is { Success: true } mark)
                fence = fence is null ? mark.Groups["kind"].Value : null;
            else if (fence is null)
                foreach (var problem in OfLine(page, line))
                    yield return $"{at}: {problem}";
            else if (fence is "sh" or "bash" && IsOurs(line) && Missing(line.Split('#')[0].Trim()) is { } problem)
                yield return $"{at}: {problem}";
        }
    }

    /// <summary>Whether a line of a sample runs something of the checkout.</summary>
    private static bool IsOurs(string line) =>
        line.StartsWith("./", StringComparison.Ordinal) || line.StartsWith("thaw ", StringComparison.Ordinal);

    private IEnumerable<string> OfLine(string page, string line)
    {
        foreach (Match span in Span().Matches(line))
            if (Missing(span.Groups["text"].Value.Trim()) is { } problem)
                yield return problem;
        foreach (Match link in Link().Matches(line))
            if (!LinkExists(page, link.Groups["target"].Value))
                yield return $"the link to '{link.Groups["target"].Value}' leads nowhere.";
    }

    private string? Missing(string name)
    {
        var parts = name.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            return null;
        if (parts[0] is "thaw" or "./thaw")
            return MissingVerb(parts);
        if (parts[0].StartsWith("./", StringComparison.Ordinal))
            return PathExists(parts[0][2..]) ? null : $"there is no '{parts[0]}'.";
        if (parts.Length == 1 && name.Contains('/') && _tops.Contains(name.Split('/')[0]))
            return PathExists(name.TrimEnd('/')) ? null : $"there is no '{name}'.";
        if (parts.Length == 1 && Path.GetExtension(name) is ".md" or ".cs" or ".csproj" or ".props" or ".slnx")
            return Files.Any(file => file == name || file.EndsWith("/" + name, StringComparison.Ordinal))
                ? null
                : $"there is no file '{name}'.";
        return Word().Matches(Placeholder().Replace(name, ""))
            .Select(match => match.Value)
            .Where(word => !Exists(word))
            .Select(word => $"'{name}': nothing is called '{word}'.")
            .FirstOrDefault();
    }

    private string? MissingVerb(string[] parts)
    {
        if (parts[0] == "./thaw" && !PathExists("thaw"))
            return "there is no './thaw'.";
        foreach (var part in parts.Skip(1).Select(part => part.Trim('[', ']')))
        {
            var isVerb = part == parts[1].Trim('[', ']') && char.IsAsciiLetterLower(part[0]);
            var isOption = part.StartsWith("--", StringComparison.Ordinal);
            if ((isVerb || isOption) && !Verbs.Contains(part))
                return $"'{string.Join(' ', parts)}': the command line has no '{part}'.";
        }

        return null;
    }

    private bool Exists(string word)
    {
        if (Words.Contains(word))
            return true;
        if (!Foreign.Contains(word))
            return false;
        Used.Add(word);
        return true;
    }

    private bool PathExists(string path)
    {
        if (!path.Contains('*', StringComparison.Ordinal))
            return Files.Any(file =>
                file == path || file.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal));
        var pattern = "^" + Regex.Escape(path).Replace(@"\*\*", ".*", StringComparison.Ordinal)
            .Replace(@"\*", "[^/]*", StringComparison.Ordinal);
        return Files.Any(file => Regex.IsMatch(file, pattern, RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    private bool LinkExists(string page, string target)
    {
        var path = target.Split('#')[0];
        if (path.Length == 0 || path.Contains("://", StringComparison.Ordinal))
            return true;
        var folder = Path.GetDirectoryName("/" + page)!;
        return PathExists(Path.GetFullPath(Path.Combine(folder, path))[1..]);
    }

    [GeneratedRegex(@"^\s*```(?<kind>\w*)")]
    private static partial Regex Fence();

    [GeneratedRegex("(?<!`)`(?<text>[^`]+)`(?!`)")]
    private static partial Regex Span();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\b[A-Z][A-Z0-9]*\b(?![a-z_])|\{[^}]*\}|<[^>]*>|(?<==)\S+|\b[0-9][0-9A-Za-z.]*")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"[A-Za-z_][A-Za-z0-9_]*")]
    private static partial Regex Word();
}
