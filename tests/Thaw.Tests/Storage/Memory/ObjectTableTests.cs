using CsCheck;
using Thaw.Storage.Memory;
using Xunit;

namespace Thaw.Tests.Storage.Memory;

/// <summary>The table against a set: few hashes, so that objects share them, and many that come and go.</summary>
public sealed class ObjectTableTests
{
    [Fact]
    public void It_holds_what_was_added_and_not_removed() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 40], Gen.Int[0, 500]).Array[0, 400].Sample(
            plan =>
            {
                var table = new ObjectTable<Item>(item => item.Hash);
                var model = new List<Item>();
                foreach (var (kind, hash, pick) in plan)
                {
                    var known = model.Count > 0 ? model[pick % model.Count] : null;
                    if (kind == 0 || known is null)
                    {
                        model.Add(new Item((uint)hash << 8));
                        table.Add(model[^1]);
                    }
                    else if (kind == 1)
                    {
                        Assert.True(table.Remove(known));
                        Assert.False(table.Remove(known));
                        model.Remove(known);
                    }
                    else
                    {
                        var other = new Item(known.Hash);
                        Assert.True(table.Replace(known, other));
                        Assert.False(table.Replace(known, other));
                        model[model.IndexOf(known)] = other;
                    }

                    Assert.Equal(model.Count, table.Count);
                }

                Assert.Equal(model.ToHashSet(), table.All.ToHashSet());
                foreach (var hash in Enumerable.Range(0, 41).Select(hash => (uint)hash << 8))
                {
                    var found = new List<Item>();
                    foreach (var item in table.Of(hash))
                        found.Add(item);
                    Assert.Equal(found.Count, found.Distinct().Count());
                    Assert.Equal(
                        model.Where(item => item.Hash == hash).ToHashSet(),
                        found.Where(item => item.Hash == hash).ToHashSet());
                }
            },
            iter: 300);

    private sealed class Item(uint hash)
    {
        public uint Hash => hash;
    }
}
