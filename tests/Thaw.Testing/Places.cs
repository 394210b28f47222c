namespace Thaw.Testing;

/// <summary>
/// Where tests find the checkout, the executable under test and the packages that <c>./test</c> installs.
/// </summary>
public static class Places
{
    /// <summary>The directory that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The <c>thaw</c> executable: <c>THAW_BINARY</c> if set (a published binary), else the one that was built with
    /// this test, in the same configuration.
    /// </summary>
    public static string Executable
    {
        get
        {
            if (Environment.GetEnvironmentVariable("THAW_BINARY") is { Length: > 0 } binary)
                return Path.GetFullPath(binary, Root);
            var separator = Path.DirectorySeparatorChar;
            var configuration =
                AppContext.BaseDirectory.Contains($"{separator}Release{separator}", StringComparison.Ordinal)
                ? "Release"
                : "Debug";
            return Path.Combine(Root, "src", "Thaw.Cli", "bin", configuration, "net10.0", "thaw");
        }
    }

    /// <summary>A file of an npm package that <c>tests/install-packages</c> installed.</summary>
    /// <exception cref="FileNotFoundException">It is not installed.</exception>
    public static string NpmFile(string package, string file)
    {
        var path = Path.Combine(Packages, "npm", "node_modules", package, file);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"{path} is missing: run tests/install-packages once.", path);
    }

    private static string Packages =>
        Environment.GetEnvironmentVariable("THAW_TEST_PACKAGES")
        ?? Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "thaw-tests");

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory =
            directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Thaw.slnx")))
                return directory.FullName;
        throw new InvalidOperationException(
            $"No Thaw.slnx above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }
}
