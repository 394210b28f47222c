using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Thaw.Testing;

namespace Thaw.Tests.Tidy;

/// <summary>The files of the checkout that the tests run from, without what tools make.</summary>
internal static partial class Checkout
{
    private static readonly ImmutableHashSet<string> Made =
        ["bin", "obj", "artifacts", "dist", "node_modules", ".git", ".vs", ".idea", "TestResults"];

    private static readonly Lazy<ImmutableArray<string>> LazyFiles = new(
        () => [.. Walk(Places.Root, "").Order(StringComparer.Ordinal)]);

    private static readonly Lazy<ImmutableArray<SourceFile>> LazySources = new(
        () => [.. Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal)).Select(Parse)]);

    private static readonly Lazy<ImmutableHashSet<string>> LazyWords = new(CollectWords);

    /// <summary>The directory that holds the solution.</summary>
    public static string Root => Places.Root;

    /// <summary>Every file, relative to the root, with forward slashes.</summary>
    public static ImmutableArray<string> Files => LazyFiles.Value;

    /// <summary>Every C# file, parsed.</summary>
    public static ImmutableArray<SourceFile> Sources => LazySources.Value;

    /// <summary>
    /// Every word of paths, code, project files, scripts and reference pages, which tests of their own compare with a
    /// running node, but not of these tests, which hold names of nothing on purpose: what a page names must be among
    /// them.
    /// </summary>
    public static ImmutableHashSet<string> Words => LazyWords.Value;

    /// <summary>The text of a file.</summary>
    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    /// <summary>The lines of a list beside these tests, without comments and blank lines.</summary>
    public static ImmutableArray<string> ReadList(string name) =>
        [.. Read($"tests/Thaw.Tests/Tidy/{name}").Split('\n').Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#')];

    private static IEnumerable<string> Walk(string directory, string prefix)
    {
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
        {
            if (Made.Contains(entry.Name) || entry.LinkTarget is not null)
                continue;
            if (entry is FileInfo)
                yield return prefix + entry.Name;
            else
                foreach (var file in Walk(entry.FullName, $"{prefix}{entry.Name}/"))
                    yield return file;
        }
    }

    private static SourceFile Parse(string file)
    {
        var text = Read(file);
        var tree = CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview), file);
        return new SourceFile(file, text, tree.GetRoot());
    }

    private static ImmutableHashSet<string> CollectWords() =>
        [.. Files.Concat(Files.Where(HoldsNames).Select(Read)).SelectMany(text => Word().Matches(text))
            .Select(match => match.Value)];

    private static bool HoldsNames(string file) =>
        !file.StartsWith("tests/Thaw.Tests/Tidy/", StringComparison.Ordinal)
        && file != "LICENSE"
        && (file.StartsWith("docs/reference/", StringComparison.Ordinal)
            || Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".slnx" or ".sh" or ".py" or "");

    [GeneratedRegex(@"[A-Za-z_][A-Za-z0-9_]*")]
    private static partial Regex Word();
}

/// <summary>A parsed C# file.</summary>
internal sealed record SourceFile(string Path, string Text, SyntaxNode Root)
{
    /// <summary>Whether this is product code.</summary>
    public bool IsProduct => Path.StartsWith("src/", StringComparison.Ordinal);

    /// <summary>Whether this is test code.</summary>
    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    /// <summary>Parses a sample, to show that a check fails when it should.</summary>
    public static SourceFile Sample(string path, string text) =>
        new(path, text, CSharpSyntaxTree.ParseText(text).GetRoot());

    /// <summary>A place, as editors read it.</summary>
    public string At(SyntaxNode node) => $"{Path}:{node.SyntaxTree.GetLineSpan(node.Span).StartLinePosition.Line + 1}";
}
