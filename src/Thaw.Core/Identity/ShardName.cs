using System.Globalization;

namespace Thaw.Core.Identity;

/// <summary>
/// The name of one shard of a model, as Hugging Face and llama.cpp write it: <c>model-00002-of-00008.safetensors</c>.
/// </summary>
/// <param name="Stem">What stands before the number, folders included.</param>
/// <param name="Index">Number of the shard, from 1.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Extension">What stands behind, with its dot.</param>
public readonly record struct ShardName(string Stem, int Index, int Count, string Extension)
{
    private const int Digits = 5;
    private const string Of = "-of-";
    private const int NumberLength = 1 + Digits + 4 + Digits;

    /// <summary>Takes a key apart; false if it is not the name of a shard.</summary>
    public static bool TryParse(string key, out ShardName shard)
    {
        shard = default;
        var dot = key.LastIndexOf('.');
        if (dot < 0 || key.IndexOf('/', dot) >= 0)
            dot = key.Length;
        var start = dot - NumberLength;
        if (start < 1 || key[start] != '-')
            return false;
        var number = key.AsSpan(start + 1, NumberLength - 1);
        if (!number.Slice(Digits, Of.Length).SequenceEqual(Of)
            || !TryNumber(number[..Digits], out var index) || !TryNumber(number[(Digits + Of.Length)..], out var count)
            || index < 1 || index > count)
            return false;
        shard = new ShardName(key[..start], index, count, key[dot..]);
        return true;
    }

    /// <summary>The key of another shard of the same model.</summary>
    public string KeyOf(int index) => string.Create(
        CultureInfo.InvariantCulture, $"{Stem}-{index:D5}{Of}{Count:D5}{Extension}");

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
