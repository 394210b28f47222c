namespace Thaw.Cli.Pulling;

/// <summary>Where objects go below a directory; keys that would leave it are refused.</summary>
internal static class PullPaths
{
    /// <summary>
    /// The part of a key that is common to all that a path names: up to the last slash before any glob.
    /// </summary>
    public static string Root(string key)
    {
        var glob = key.AsSpan().IndexOfAny('*', '?');
        var plain = glob < 0 ? key : key[..glob];
        return plain[..(plain.LastIndexOf('/') + 1)];
    }

    /// <summary>The file of a key, or the sentence that says why there is none.</summary>
    public static (string? File, string? Sentence) Place(string directory, string root, string key)
    {
        var name = key.StartsWith(root, StringComparison.Ordinal) ? key[root.Length..] : key;
        var parts = name.TrimEnd('/').Split('/');
        if (parts.Any(part => part is "" or "." or "..") || name.Contains('\0')
            || key.EndsWith("//", StringComparison.Ordinal))
            return (null, $"{key} cannot be a file below {directory}: its parts include \"\", \".\" or \"..\"; copy it "
                + "under another name.");
        if (name.EndsWith(PullJournal.PartSuffix, StringComparison.Ordinal)
            || name.EndsWith(PullJournal.JournalSuffix, StringComparison.Ordinal))
            return (null, $"{key} has a name that copying uses itself; copy it under another name.");
        var file = Path.Combine([directory, .. parts]);
        return Escape(directory, file) is { } link
            ? (null, $"{key} would leave {directory} through the link {link}; remove the link.") : (file, null);
    }

    // A link inside of the directory may point anywhere; parents that do not exist yet cannot.
    private static string? Escape(string directory, string file)
    {
        for (var parent = Path.GetDirectoryName(file); parent is not null
            && parent.Length > directory.Length; parent = Path.GetDirectoryName(parent))
            if (new DirectoryInfo(parent).LinkTarget is not null)
                return parent;
        return null;
    }
}
