using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// Files have at most 500 lines and methods 70. <c>size-exemptions.txt</c> lists the exceptions with their size; an
/// entry that is larger than the truth, or no longer needed, fails too: the list can only shrink.
/// </summary>
public sealed class SizeTests
{
    private const int FileLines = 500;
    private const int MethodLines = 70;

    [Fact]
    public void Files_and_methods_are_short()
    {
        Assert.NotEmpty(Checkout.Sources);
        var sizes = Checkout.Sources.SelectMany(Measure);
        Assert.Empty(Problems(sizes, Checkout.ReadList("size-exemptions.txt")));
    }

    [Fact]
    public void A_long_method_is_found()
    {
        var body = string.Concat(Enumerable.Repeat("x++;\n", MethodLines));
        var sizes = Measure(SourceFile.Sample("src/A.cs", $"class A {{ int x;\nvoid Long()\n{{\n{body}}}\n}}"));
        Assert.Single(Problems(sizes, []), problem => problem.Contains("A.Long", StringComparison.Ordinal));
    }

    [Fact]
    public void A_long_file_is_found() =>
        Assert.Single(Problems(Measure(SourceFile.Sample("src/A.cs", new string('\n', FileLines + 1))), []));

    [Theory]
    [InlineData("src/A.cs 600", 600, true)]
    [InlineData("src/A.cs 599", 600, false)]
    [InlineData("src/A.cs 601", 600, false)]
    [InlineData("src/A.cs 400", 400, false)]
    [InlineData("src/Gone.cs 600", 100, false)]
    public void The_list_of_exemptions_only_shrinks(string exemption, int lines, bool accepted) =>
        Assert.Equal(accepted, !Problems([new Measured("src/A.cs", lines, FileLines)], [exemption]).Any());

    private static IEnumerable<Measured> Measure(SourceFile file)
    {
        yield return new Measured(file.Path, file.Text.Count(letter => letter == '\n'), FileLines);
        foreach (var method in file.Root.DescendantNodes().OfType<BaseMethodDeclarationSyntax>())
            yield return new Measured($"{file.Path}::{NameOf(method)}", LinesOf(method), MethodLines);
    }

    private static string NameOf(BaseMethodDeclarationSyntax method)
    {
        var type = method.FirstAncestorOrSelf<TypeDeclarationSyntax>()?.Identifier.Text;
        return method switch
        {
            MethodDeclarationSyntax named => $"{type}.{named.Identifier.Text}/{named.ParameterList.Parameters.Count}",
            _ => $"{type}.{method.Kind()}/{method.ParameterList.Parameters.Count}",
        };
    }

    /// <summary>From the first line behind attributes and comments to the closing brace.</summary>
    private static int LinesOf(BaseMethodDeclarationSyntax method)
    {
        var first = method.Modifiers.FirstOrDefault();
        var start = first == default ? method.ParameterList.SpanStart : first.SpanStart;
        var lines = method.SyntaxTree.GetText().Lines;
        return lines.GetLineFromPosition(method.Span.End).LineNumber - lines.GetLineFromPosition(start).LineNumber + 1;
    }

    private static IEnumerable<string> Problems(IEnumerable<Measured> sizes, IReadOnlyCollection<string> exemptions)
    {
        var open = exemptions.Select(line => line.Split(' ')).ToDictionary(part => part[0], part => int.Parse(part[1]));
        foreach (var (what, lines, most) in sizes.Where(size => size.Lines > size.Most))
            if (!open.Remove(what, out var exempt))
                yield return $"{what} has {lines} lines, more than {most}.";
            else if (exempt != lines)
                yield return $"{what} has {lines} lines; size-exemptions.txt says {exempt}.";
        foreach (var what in open.Keys)
            yield return $"size-exemptions.txt: {what} needs no exemption any more; take it out.";
    }

    private sealed record Measured(string What, int Lines, int Most);
}
