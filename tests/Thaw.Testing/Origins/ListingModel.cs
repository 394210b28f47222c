using CsCheck;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;
using Xunit;

namespace Thaw.Testing.Origins;

/// <summary>
/// Listings of random trees compared with the obvious ones: every page size, prefix and delimiter, page by page as the
/// contract says. The objects are put once; the questions vary.
/// </summary>
internal static class ListingModel
{
    /// <summary>
    /// '.' and '0' stand on either side of '/', the last two are ordered differently in UTF-16 than in UTF-8.
    /// </summary>
    private static readonly string[] Parts = ["a", "a.txt", "a0", "b", "a b", "é", "%41", "+", "\uFF5E", "\U0001F600"];

    private static readonly Gen<string> Key = AnyOf(Parts).Array[1, 3].Select(static parts => string.Join('/', parts));

    private static readonly Gen<(string Prefix, string? Delimiter, int MaxKeys, string StartAfter)> Question =
        Gen.Select(
        Gen.OneOf(Gen.Const(""), Key, Key.Select(static key => key + "/"), Key.Select(static key =>
            key[..(char.IsHighSurrogate(key[0]) ? 2 : 1)])),
        AnyOf("/", "/", null, "", "a", "/a"),
        AnyOf(1, 2, 3, 7, 1000),
        Gen.OneOf(Gen.Const(""), Key));

    public static async Task CheckAsync(OriginUnderTest subject)
    {
        var seed = Random.Shared.Next();
        var keys = RandomKeys(new Random(seed));
        foreach (var key in keys)
            await subject.PutAsync(key, new byte[key.Length]);
        await Question.SampleAsync(async question =>
        {
            // Only some servers list a common prefix again that the start lies in.
            var hasDelimiter = !string.IsNullOrEmpty(question.Delimiter);
            var startAfter = hasDelimiter && !subject.ListsPrefixBehindStart ? "" : question.StartAfter;
            var request = new ListRequest(question.Prefix, question.Delimiter, startAfter, question.MaxKeys);
            var (expected, found) = (Expected(keys, request), await AllPagesAsync(subject.Origin, request));
            Assert.True(expected.SequenceEqual(found),
                $"Keys of seed {seed}, {request}: expected {string.Join(' ', expected)}, found "
                    + $"{string.Join(' ', found)}.");
        }, iter: 60, threads: 1);
    }

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(at => values[at]);

    private static List<string> RandomKeys(Random random)
    {
        var all = Enumerable.Range(0, 40)
            .Select(_ => string.Join('/', random.GetItems(Parts, random.Next(1, 4))))
            .Distinct(StringComparer.Ordinal)
            .ToList();
        // Where keys are paths, none can be a directory of another.
        var keys = all.Where(key => !all.Any(other => other.StartsWith(key + "/", StringComparison.Ordinal))).ToList();
        keys.Sort(KeyOrder.Instance);
        return keys;
    }

    private static async Task<List<(string, long)>> AllPagesAsync(IOrigin origin, ListRequest request)
    {
        var found = new List<(string, long)>();
        while (true)
        {
            var answer = await origin.ListAsync(request, CancellationToken.None);
            Assert.True(answer.IsOk, answer.Failure?.Message);
            var page = answer.Value;
            Assert.True(page.Entries.Length <= request.MaxKeys, "A page is longer than was asked for.");
            found.AddRange(page.Entries.Select(static entry => (entry.Key, entry.SizeBytes)));
            if (!page.IsTruncated)
                return found;
            Assert.NotEmpty(page.Entries);
            request = request with { StartAfter = page.Entries[^1].ResumeAfter };
        }
    }

    private static List<(string, long)> Expected(List<string> keys, ListRequest request)
    {
        var expected = new List<(string, long)>();
        foreach (var key in keys)
        {
            if (!key.StartsWith(request.Prefix, StringComparison.Ordinal)
                || KeyOrder.Compare(key, request.StartAfter) <= 0)
                continue;
            var at = string.IsNullOrEmpty(request.Delimiter)
                ? -1
                : key.IndexOf(request.Delimiter, request.Prefix.Length, StringComparison.Ordinal);
            var entry = at < 0 ? (key, key.Length) : (key[..(at + request.Delimiter!.Length)], -1L);
            if (!expected.Contains(entry))
                expected.Add(entry);
        }

        return expected;
    }
}
