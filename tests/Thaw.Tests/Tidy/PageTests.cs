using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// Pages go false unless something reads them: names in back-ticks, commands in samples and links must exist.
/// </summary>
public sealed class PageTests
{
    [Fact]
    public void What_pages_name_exists()
    {
        var names = OfCheckout();
        var problems =
            Checkout.Files.Where(IsPage).SelectMany(page => names.Problems(page, Checkout.Read(page))).ToArray();
        Assert.True(problems.Length == 0, string.Join('\n', problems));
        Assert.True(
            names.Used.SetEquals(names.Foreign),
            $"page-words.txt: no page needs {string.Join(", ", names.Foreign.Except(names.Used))}; take it out.");
    }

    [Theory]
    [InlineData("`src/Thaw.Attic`")]
    [InlineData("`./attic`")]
    [InlineData("`Attic.md`")]
    [InlineData("`thaw attic`")]
    [InlineData("`thaw load --attic`")]
    [InlineData("`AtticRoom`")]
    [InlineData("`Geometry.Attic`")]
    [InlineData("`GET /api/v1/attic`")]
    [InlineData("[attic](docs/attic.md)")]
    [InlineData("```sh\n./attic now\n```")]
    public void A_name_of_nothing_is_found(string text) => Assert.Single(Sample().Problems("README.md", text));

    [Theory]
    [InlineData("`src/Thaw.Core`, `src/**/Geometry.cs`, `Geometry.cs`, [code](src/Thaw.Core/Geometry.cs)")]
    [InlineData("`./test fast`")]
    [InlineData("`thaw load PATH --wait`")]
    [InlineData("`Geometry.ChunkBytes`")]
    [InlineData("`GET /api/v1/stats/{id}`")]
    [InlineData("`sendfile`")]
    [InlineData("```yaml\nattic: 1\n```")]
    public void A_name_of_something_is_fine(string text) => Assert.Empty(Sample().Problems("README.md", text));

    private static bool IsPage(string file) => file.EndsWith(".md", StringComparison.Ordinal);

    private static PageNames OfCheckout() => new(
        Checkout.Files, Checkout.Words, Checkout.ReadList("page-words.txt").ToHashSet(),
        Checkout.Sources.Where(source => source.Path.StartsWith("src/Thaw.Cli/", StringComparison.Ordinal))
            .SelectMany(source => source.Root.DescendantTokens())
            .Where(token => token.IsKind(SyntaxKind.StringLiteralToken))
            .Select(token => token.ValueText).ToImmutableHashSet());

    private static PageNames Sample() => new(
        ["README.md", "test", "src/Thaw.Core/Geometry.cs"],
        new HashSet<string> { "Geometry", "ChunkBytes", "api", "v1", "stats" },
        new HashSet<string> { "sendfile" },
        new HashSet<string> { "load", "--wait" });
}
