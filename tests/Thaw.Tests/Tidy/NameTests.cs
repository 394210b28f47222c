using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>Names say what a thing is: none of the words that fit anything; namespaces follow folders.</summary>
public sealed partial class NameTests
{
    private static readonly string[] Empty =
        ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Impl", "Data", "Info"];

    [Fact]
    public void Types_have_telling_names() => Assert.Empty(Checkout.Sources.SelectMany(EmptyNames));

    [Fact]
    public void Namespaces_follow_folders() => Assert.Empty(Checkout.Sources.SelectMany(StrayNamespaces));

    [Theory]
    [InlineData("class ChunkManager;")]
    [InlineData("static class HttpUtil;")]
    [InlineData("enum BlockData { None }")]
    [InlineData("delegate void InfoSink();")]
    [InlineData("record struct DataOrigin;")]
    [InlineData("namespace Thaw.Common;")]
    public void An_empty_word_is_found(string code) => Assert.Single(EmptyNames(SourceFile.Sample("src/A.cs", code)));

    [Theory]
    [InlineData("class Database;")]
    [InlineData("class Metadata;")]
    [InlineData("class Utilisation;")]
    public void A_word_inside_of_a_word_is_none(string code) =>
        Assert.Empty(EmptyNames(SourceFile.Sample("src/A.cs", code)));

    [Fact]
    public void A_stray_namespace_is_found() =>
        Assert.Single(StrayNamespaces(SourceFile.Sample("src/Thaw.Core/Chunks/A.cs", "namespace Thaw.Core;")));

    private static IEnumerable<string> EmptyNames(SourceFile file) =>
        from node in file.Root.DescendantNodes()
        let name = node switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.Text,
            DelegateDeclarationSyntax type => type.Identifier.Text,
            BaseNamespaceDeclarationSyntax space => space.Name.ToString(),
            _ => "",
        }
        from Match word in Word().Matches(name)
        where Empty.Contains(word.Value)
        select $"{file.At(node)}: '{name}' has the empty word '{word.Value}'; say what it is.";

    private static IEnumerable<string> StrayNamespaces(SourceFile file)
    {
        // src/Thaw.Core/Chunks/Geometry.cs is Thaw.Core.Chunks
        var expected = string.Join('.', file.Path.Split('/')[1..^1]);
        return from space in file.Root.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>()
               where space.Name.ToString() != expected
               select $"{file.At(space)}: namespace {space.Name} is not {expected}, its folder.";
    }

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z][a-z0-9]*")]
    private static partial Regex Word();
}
