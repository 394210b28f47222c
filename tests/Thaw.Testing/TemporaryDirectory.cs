namespace Thaw.Testing;

/// <summary>An empty directory that is removed with all it holds.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    /// <summary>Its absolute path.</summary>
    public string Path { get; } = System.IO.Directory.CreateTempSubdirectory("thaw-test-").FullName;

    /// <summary>The path of something in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <inheritdoc />
    public void Dispose() => System.IO.Directory.Delete(Path, recursive: true);
}
