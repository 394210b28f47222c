using Xunit;

namespace Thaw.Faults.BadInput;

/// <summary>
/// What every answer to a bad input must be: one line for a person, and nothing of the inside of the program.
/// </summary>
internal static class Sentence
{
    private const int MostCharacters = 1500; // a key of 1,024 bytes is named in full

    public static void Check(string text)
    {
        Assert.False(string.IsNullOrWhiteSpace(text), "There is no sentence.");
        NoTrace(text);
        Assert.DoesNotContain('\n', text.Trim());
        Assert.True(text.Length <= MostCharacters, $"{text.Length} characters are no sentence: {text}");
        Assert.True(text.TrimEnd()[^1] is '.' or '?' or ')', $"This is no whole sentence: {text}");
        Assert.Contains(' ', text.Trim());
    }

    public static void NoTrace(string text)
    {
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        Assert.DoesNotContain("a bug in thaw", text, StringComparison.Ordinal);
    }
}
