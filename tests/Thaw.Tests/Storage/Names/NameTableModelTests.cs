using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Contracts;
using Thaw.Storage.Names;
using Xunit;

namespace Thaw.Tests.Storage.Names;

/// <summary>
/// Random changes, closings, torn tails and flipped bits against a dictionary. A clean close loses nothing; after
/// damage each part of an entry is one that was once acknowledged for its key, its last-asked time one for that very
/// version or unknown, or the entry is absent.
/// </summary>
public sealed class NameTableModelTests
{
    private static readonly string[] Keys =
    [
        "a", "a/", "a/b", "a/b/c", "a/b/\U0010FFFF", "a/b/\U0010FFFFx", "a/\uE000", "a/\uFFFD", "a/\U00010000",
        "a/\uD7FF",
        "é", "z", "z/1", "z/2", "\U0001F600", "\uFF5E", new string('k', 1024),
    ];

    private static readonly Gen<(int Op, int Key, int Argument)[]> Plans =
        Gen.Select(Gen.Int[0, 99], Gen.Int[0, Keys.Length - 1], Gen.Int[0, int.MaxValue]).Array[0, 120];

    [Fact]
    public async Task Nothing_wrong_is_ever_returned() =>
        await Plans.SampleAsync(
            async plan =>
            {
                await using var run = new Run();
                await run.AllAsync(plan);
            },
            iter: 300, threads: 1);

    private sealed class Run : IAsyncDisposable
    {
        private readonly NameDirectory _directory = new();
        private readonly FakeTimeProvider _time = new(NameSamples.Start);
        private readonly HashSet<string> _once = [];
        private Dictionary<string, NameEntry> _model = [];
        private NameTable _table = null!;
        private int _number;

        public async ValueTask DisposeAsync()
        {
            await _table.DisposeAsync();
            _directory.Dispose();
        }

        public async Task AllAsync((int Op, int Key, int Argument)[] plan)
        {
            _table = NameSamples.Open(_directory.Log, _time);
            foreach (var (op, key, argument) in plan)
                await StepAsync(op, Keys[key], argument);
            await ReopenAsync(0, 0);
        }

        private async Task StepAsync(int op, string key, int argument)
        {
            var known = _model.TryGetValue(key, out var entry);
            switch (op)
            {
                case < 30:
                    Acknowledge(NameSamples.Entry(key, ++_number, argument % 2 == 0));
                    Assert.True(_table.Put(_model[key]));
                    break;
                case < 42:
                    Assert.Equal(known, _table.Remove(key));
                    _model.Remove(key);
                    break;
                case < 54:
                    Assert.Equal(known, _table.SetPinned(key, argument % 2 == 0));
                    if (known)
                        Acknowledge(entry! with { Pinned = argument % 2 == 0 });
                    break;
                case < 64:
                    var asked = NameSamples.Start.AddSeconds(++_number);
                    Assert.Equal(known, _table.TouchAsked(key, asked));
                    if (known)
                        Acknowledge(entry! with { LastAsked = asked });
                    break;
                case < 74:
                    var used = NameSamples.Start.AddSeconds(++_number);
                    Assert.Equal(known, _table.TouchUsed(key, used));
                    if (known)
                        Acknowledge(entry! with { LastUsed = used });
                    break;
                case < 80:
                    Assert.True(await _table.FlushAsync(CancellationToken.None));
                    break;
                case < 90:
                    CompareListing(key[..(argument % (key.Length + 1))], argument);
                    break;
                case < 92:
                    await ReopenAsync(0, argument);
                    break;
                case < 96:
                    await ReopenAsync(1, argument);
                    break;
                default:
                    await ReopenAsync(2, argument);
                    break;
            }
        }

        private void Acknowledge(NameEntry entry)
        {
            _model[entry.Key] = entry;
            foreach (var part in Parts(entry))
                _once.Add(part);
        }

        private async Task ReopenAsync(int damage, int argument)
        {
            await _table.DisposeAsync();
            var bytes = File.ReadAllBytes(_directory.Log);
            if (damage == 1)
                File.WriteAllBytes(_directory.Log, bytes[..(argument % (bytes.Length + 1))]);
            else if (damage == 2)
                Flip(bytes, argument);
            _table = NameSamples.Open(_directory.Log, _time);
            Assert.Null(_table.LogProblem);
            var found = _table.All().ToDictionary(entry => entry.Key);
            if (damage == 0)
            {
                Assert.Equal(
                    _model.Values.Select(NameSamples.Show).Order(StringComparer.Ordinal),
                    found.Values.Select(NameSamples.Show).Order(StringComparer.Ordinal));
            }
            else
            {
                foreach (var part in found.Values.SelectMany(Parts))
                    Assert.True(_once.Contains(part) || part.EndsWith("asked=unknown", StringComparison.Ordinal), part);
            }

            // What is left is what is acknowledged from here on.
            _model = [];
            foreach (var entry in found.Values)
                Acknowledge(entry);
            CompareListing("", argument);
            CompareContents();
        }

        private void Flip(byte[] bytes, int argument)
        {
            var random = new Random(argument);
            for (var flips = random.Next(1, 4); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(_directory.Log, bytes);
        }

        private void CompareListing(string prefix, int argument)
        {
            if (prefix.Length > 0 && char.IsHighSurrogate(prefix[^1]))
                prefix = prefix[..^1];
            var delimiter = (argument % 3) switch { 0 => null, 1 => "/", _ => "b/" };
            var startAfter = argument % 5 == 0 ? Keys[argument / 7 % Keys.Length] : "";
            var most = 1 + argument % 4;
            var expected = NameListingModel.List(_model.Values, prefix, delimiter, startAfter);
            var listed = new List<ListEntry>();
            while (true)
            {
                var page = _table.List(new ListRequest(prefix, delimiter, startAfter, most));
                Assert.True(page.Entries.Length <= most);
                listed.AddRange(page.Entries);
                Assert.True(listed.Count <= expected.Count, "the listing does not come to its end");
                if (!page.IsTruncated)
                    break;
                startAfter = page.Entries[^1].ResumeAfter;
            }

            Assert.Equal(expected, listed);
            Assert.Equal(
                _model.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal),
                _table.WithPrefix(prefix).Select(entry => entry.Key).Order(StringComparer.Ordinal));
        }

        private void CompareContents()
        {
            foreach (var same in _model.Values.GroupBy(entry => entry.Version.Id))
            {
                Assert.Equal(
                    same.Select(NameSamples.Show).Order(StringComparer.Ordinal),
                    _table.NamesOf(same.Key).Select(NameSamples.Show).Order(StringComparer.Ordinal));
            }
        }

        private static IEnumerable<string> Parts(NameEntry entry)
        {
            var version = $"{entry.Key} {NameSamples.Show(entry.Version)}";
            yield return version;
            yield return entry.LastAsked == DateTimeOffset.MinValue
                ? $"{version} asked=unknown"
                : $"{version} asked={entry.LastAsked:O}";
            yield return $"{entry.Key} used={entry.LastUsed:O}";
            yield return $"{entry.Key} pinned={entry.Pinned}";
        }
    }
}
