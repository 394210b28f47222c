namespace Thaw.Core.Identity;

/// <summary>A mount and a key below it, as users write it: <c>models/llama/model-00001.safetensors</c>.</summary>
/// <param name="Mount">Name of the mount.</param>
/// <param name="Key">Key below the mount, without a leading slash; empty for the mount itself.</param>
public readonly record struct ObjectPath(string Mount, string Key)
{
    /// <summary>Whether this names everything below a prefix: an empty key or a trailing slash.</summary>
    public bool IsPrefix => Key.Length == 0 || Key[^1] == '/';

    /// <summary>Splits <c>mount/key</c> at the first slash; the key may be empty, the mount may not.</summary>
    public static bool TryParse(string? text, out ObjectPath path)
    {
        path = default;
        if (string.IsNullOrEmpty(text) || text[0] == '/')
            return false;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        path = slash < 0 ? new ObjectPath(text, "") : new ObjectPath(text[..slash], text[(slash + 1)..]);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => $"{Mount}/{Key}";
}
