namespace Thaw.Testing;

/// <summary>A directory of its own, gone with everything in it when disposed.</summary>
public sealed class TempFolder : IDisposable
{
    /// <summary>Makes it.</summary>
    public TempFolder() => FullPath = Directory.CreateTempSubdirectory("thaw-test-").FullName;

    /// <summary>Absolute path.</summary>
    public string FullPath { get; }

    /// <summary>A path in it.</summary>
    public string this[string relative] => Path.Combine(FullPath, relative);

    /// <summary>Writes a small text file and returns its path.</summary>
    public string Write(string relative, string text)
    {
        File.WriteAllText(this[relative], text);
        return this[relative];
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(FullPath, recursive: true);
}
