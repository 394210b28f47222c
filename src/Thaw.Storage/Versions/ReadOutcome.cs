namespace Thaw.Storage.Versions;

/// <summary>How a read from a version file ended.</summary>
public enum ReadKind
{
    /// <summary>The chunk is not here.</summary>
    Miss,

    /// <summary>Checked bytes were read.</summary>
    Hit,

    /// <summary>A block failed its check or could not be read; the chunk is not here any more.</summary>
    Bad,
}

/// <summary>A read's end and, for a hit, the number of bytes.</summary>
public readonly record struct ReadOutcome(ReadKind Kind, int Bytes)
{
    /// <summary>Not here.</summary>
    public static ReadOutcome Miss => new(ReadKind.Miss, 0);

    /// <summary>Failed its check.</summary>
    public static ReadOutcome Bad => new(ReadKind.Bad, 0);

    /// <summary>Read and checked.</summary>
    public static ReadOutcome Hit(int bytes) => new(ReadKind.Hit, bytes);
}
