using System.Text;
using CsCheck;
using Thaw.Core.Identity;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class KeyOrderTests
{
    [Fact]
    public void KeysAreOrderedAsTheirUtf8Bytes()
    {
        var rune = Gen.OneOf(
            Gen.Int[0x20, 0x7F], Gen.Int[0x80, 0xD7FF], Gen.Int[0xE000, 0xFFFF], Gen.Int[0x10000, 0x10FFFF])
            .Select(static value => new Rune(value).ToString());
        var few = Gen.Int[0, 4].Select(static at => ((string[])["a", "/", "\uD7FF", "\uFFFF", "\U00010000"])[at]);
        var key = Gen.OneOf(rune, few).Array[0, 5].Select(string.Concat);
        Gen.Select(key, key).Sample((x, y) =>
            Math.Sign(KeyOrder.Instance.Compare(x, y))
            == Math.Sign(Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y))));
    }
}
