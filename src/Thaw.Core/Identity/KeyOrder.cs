namespace Thaw.Core.Identity;

/// <summary>
/// The order of keys in listings: that of their UTF-8 bytes, which is the order of code points. Ordinal comparison of
/// .NET strings goes by UTF-16 units and differs where surrogates meet U+E000-U+FFFF.
/// </summary>
public sealed class KeyOrder : IComparer<string>
{
    private KeyOrder()
    {
    }

    /// <summary>The one order.</summary>
    public static KeyOrder Instance { get; } = new();

    /// <inheritdoc />
    public int Compare(string? x, string? y) => Compare(x.AsSpan(), y.AsSpan());

    /// <summary>Compares by code points.</summary>
    public static int Compare(ReadOnlySpan<char> x, ReadOnlySpan<char> y)
    {
        var same = x.CommonPrefixLength(y);
        if (same == x.Length || same == y.Length)
            return x.Length.CompareTo(y.Length);
        return Rank(x[same]) - Rank(y[same]);
    }

    /// <summary>Moves surrogates (code points from U+10000 on) behind the rest of the basic plane.</summary>
    private static int Rank(char unit) =>
        unit < 0xD800 ? unit : unit < 0xE000 ? unit + 0x2000 : unit - 0x800;
}
