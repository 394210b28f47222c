using Thaw.Core.Configuration;
using Thaw.Core.Contracts;

namespace Thaw.Testing.Origins;

/// <summary>The directory connector at a temporary directory.</summary>
public sealed class DirectoryOriginUnderTest : OriginUnderTest
{
    private readonly TemporaryDirectory _root = new();

    /// <summary>Starts with an empty directory.</summary>
    public DirectoryOriginUnderTest() => Origin = Connect(MountOf(_root.Path));

    /// <summary>The directory.</summary>
    public string Root => _root.Path;

    /// <inheritdoc />
    public override IOrigin Origin { get; }

    /// <inheritdoc />
    public override bool HasMetadata => false;

    /// <inheritdoc />
    public override bool HasAnyKey => false;

    /// <inheritdoc />
    public override bool ListsPrefixBehindStart => true;

    /// <summary>A mount of a directory.</summary>
    public static MountConfig MountOf(string path) => new()
    {
        Name = "models",
        Bucket = "models",
        Origin = $"file://{path}",
        Scheme = OriginScheme.File,
        OriginBucket = "",
        OriginPrefix = path,
    };

    /// <inheritdoc />
    public override async Task PutAsync(
        string key, byte[] bytes, string? contentType = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var path = _root[key];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, bytes);
    }

    /// <inheritdoc />
    public override Task DeleteAsync(string key)
    {
        File.Delete(_root[key]);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await Origin.DisposeAsync();
        _root.Dispose();
    }
}
