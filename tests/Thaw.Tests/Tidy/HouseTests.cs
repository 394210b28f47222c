using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// The house is complete: every project is in the solution, the pages and scripts are there, nothing is left half done.
/// </summary>
public sealed partial class HouseTests
{
    [Fact]
    public void Every_project_is_in_the_solution_and_nothing_else()
    {
        var listed = XDocument.Parse(Checkout.Read("Thaw.slnx")).Descendants("Project")
            .Select(project => (string)project.Attribute("Path")!).Order(StringComparer.Ordinal);
        var present = Checkout.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal));
        Assert.Equal(present, listed);
    }

    [Fact]
    public void Every_project_has_a_lock_file() =>
        Assert.Empty(Checkout.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(file => $"{Path.GetDirectoryName(file)}/packages.lock.json").Except(Checkout.Files));

    [Theory]
    [InlineData("LICENSE", "Apache License")]
    [InlineData("README.md", "# Thaw")]
    [InlineData("ARCHITECTURE.md", "# ")]
    [InlineData("CONTRIBUTING.md", "# ")]
    [InlineData("CHANGELOG.md", "# ")]
    public void Pages_are_there(string page, string mark) =>
        Assert.Contains(mark, Checkout.Read(page), StringComparison.Ordinal);

    [Theory]
    [InlineData("test")]
    [InlineData("publish")]
    [InlineData(".ci/run")]
    [InlineData("tests/install-packages")]
    [SupportedOSPlatform("linux")]
    public void Scripts_can_be_run(string script) =>
        Assert.True(
            File.GetUnixFileMode(Path.Combine(Checkout.Root, script)).HasFlag(UnixFileMode.UserExecute),
            $"{script} is not executable.");

    [Fact]
    public void Nothing_is_left_half_done() =>
        Assert.Empty(
            from file in Checkout.Files
            where Path.GetExtension(file) is ".cs" or ".csproj" or ".props" or ".sh" or ".md" or ".yaml" or ".ts" or ""
            from line in Checkout.Read(file).Split('\n').Index()
            where HalfDone().IsMatch(line.Item)
            select $"{file}:{line.Index + 1}: {line.Item.Trim()}");

    /// <summary>Editors, diffs and reviews side by side show this much.</summary>
    [Fact]
    public void Lines_are_at_most_120_wide() =>
        Assert.Empty(Checkout.Sources.SelectMany(source => WideLines(source.Path, source.Text)));

    [Theory]
    [InlineData(120, 0)]
    [InlineData(121, 1)]
    public void Wide_lines_are_found(int letters, int found) =>
        Assert.Equal(found, WideLines("src/A.cs", $"class A;\n{new string('x', letters)}\n").Count());

    [Fact]
    public void Half_done_marks_are_found() => Assert.Matches(HalfDone(), "// " + "TO" + "DO: later");

    [Fact]
    public void Decisions_are_numbered_without_gaps()
    {
        var numbers = Checkout.Files.Where(file => file.StartsWith("docs/decisions/", StringComparison.Ordinal))
            .Select(file => int.Parse(Path.GetFileName(file)[..4])).ToArray();
        Assert.NotEmpty(numbers);
        Assert.Equal(Enumerable.Range(1, numbers.Length), numbers);
    }

    private static IEnumerable<string> WideLines(string path, string text) =>
        from line in text.Split('\n').Index()
        where line.Item.Length > 120
        select $"{path}:{line.Index + 1} is {line.Item.Length} wide.";

    [GeneratedRegex(@"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b")]
    private static partial Regex HalfDone();
}
