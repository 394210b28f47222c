using System.Collections.Immutable;
using System.Xml.Linq;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// The rooms and the arrows between them:
/// <c>Core &lt;- {Storage, Origins, Cluster} &lt;- Cache &lt;- {Endpoints, Posix} &lt;- Daemon &lt;- Cli</c> and
/// <c>Core &lt;- Kubernetes</c>; everyone may see Core, siblings never see each other.
/// </summary>
public sealed class ProjectArrowTests
{
    private static readonly ImmutableSortedDictionary<string, ImmutableArray<string>> Allowed =
        new Dictionary<string, ImmutableArray<string>>
        {
            ["Core"] = [],
            ["Storage"] = ["Core"],
            ["Origins"] = ["Core"],
            ["Cluster"] = ["Core"],
            ["Cache"] = ["Core", "Storage", "Origins", "Cluster"],
            ["Endpoints"] = ["Core", "Cache"],
            ["Posix"] = ["Core", "Cache"],
            ["Daemon"] = ["Core", "Endpoints", "Posix"],
            ["Cli"] = ["Core", "Daemon"],
            ["Kubernetes"] = ["Core"],
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    [Fact]
    public void Projects_see_only_what_the_picture_allows()
    {
        var projects = Checkout.Files.Where(IsRoom).ToArray();
        Assert.Contains("src/Thaw.Core/Thaw.Core.csproj", projects);
        Assert.Empty(projects.SelectMany(project => Problems(project, Checkout.Read(project))));
    }

    [Theory]
    [InlineData("Storage", "../Thaw.Origins/Thaw.Origins.csproj")]
    [InlineData("Core", "../Thaw.Storage/Thaw.Storage.csproj")]
    [InlineData("Endpoints", "../Thaw.Storage/Thaw.Storage.csproj")]
    [InlineData("Cli", "../../tests/Thaw.Testing/Thaw.Testing.csproj")]
    [InlineData("Attic", "../Thaw.Core/Thaw.Core.csproj")]
    public void Another_arrow_is_found(string from, string include)
    {
        var text = $"<Project><ItemGroup><ProjectReference Include=\"{include}\" /></ItemGroup></Project>";
        Assert.NotEmpty(Problems($"src/Thaw.{from}/Thaw.{from}.csproj", text));
    }

    [Fact]
    public void A_reference_to_a_built_file_is_found() =>
        Assert.NotEmpty(Problems(
            "src/Thaw.Core/Thaw.Core.csproj",
            "<Project><ItemGroup><Reference Include=\"../Thaw.Cache/bin/Thaw.Cache.dll\" /></ItemGroup></Project>"));

    private static bool IsRoom(string file) =>
        file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal);

    private static IEnumerable<string> Problems(string project, string text)
    {
        var room = RoomOf(project);
        if (!Allowed.TryGetValue(room, out var allowed))
        {
            yield return $"{project}: no room of the picture is called '{room}'.";
            yield break;
        }

        var root = XDocument.Parse(text);
        foreach (var include in root.Descendants("ProjectReference")
            .Select(reference => (string)reference.Attribute("Include")!))
            if (!include.StartsWith("../Thaw.", StringComparison.Ordinal) || !allowed.Contains(RoomOf(include)))
                yield return $"{project} -> {include}: this arrow is not in the picture.";
        if (root.Descendants("Reference").Any())
            yield return $"{project}: refers to a built file; use a project or a package.";
    }

    private static string RoomOf(string project) =>
        Path.GetFileNameWithoutExtension(project).Replace("Thaw.", "", StringComparison.Ordinal);
}
