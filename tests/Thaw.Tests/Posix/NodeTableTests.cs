using CsCheck;
using Thaw.Posix.Tree;
using Xunit;

namespace Thaw.Tests.Posix;

/// <summary>The table of nodes against a model of what the kernel remembers.</summary>
public sealed class NodeTableTests
{
    [Fact]
    public void Random_lookups_overwrites_and_forgets_never_lose_a_node_that_the_kernel_knows() =>
        Gen.Select(Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[0, 2]).Array[0, 200].Sample(Check);

    [Fact]
    public void Another_version_or_a_detached_node_has_a_new_id_and_the_same_inode_number()
    {
        var table = new NodeTable();
        var folder = table.Enter(table.Root, Found.Folder("models"), 0);
        var first = table.Enter(folder, FileOf("a", 1), 0);
        Assert.Same(first, table.Enter(folder, FileOf("a", 1), 1));
        var second = table.Enter(folder, FileOf("a", 2), 2);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(first.Inode, second.Inode);
        Assert.Same(second, table.TryEnter(folder, "a", 2));
        Assert.Null(table.TryEnter(folder, "a", 3));
        table.Detach(second);
        Assert.Null(table.TryEnter(folder, "a", 0));
        var third = table.Enter(folder, FileOf("a", 2), 4);
        Assert.NotEqual(second.Id, third.Id);
        Assert.Equal(first.Inode, third.Inode);
        Assert.Same(first, table.Get(first.Id));
        Assert.Equal(("models", "a"), third.Locate());
    }

    private static void Check((int Name, int Action, int Version)[] steps)
    {
        var table = new NodeTable();
        var folder = table.Enter(table.Root, Found.Folder("models"), 0);
        var known = new Dictionary<ulong, (Node Node, ulong Count)>();
        foreach (var (name, action, version) in steps)
        {
            switch (action)
            {
                case 0 or 1:
                    var node = table.Enter(folder, FileOf($"f{name}", version), 0);
                    Assert.Equal(version, (int)node.Stamp);
                    known[node.Id] = (node, known.GetValueOrDefault(node.Id).Count + 1);
                    break;
                case 2 when known.Count > 0:
                    var (id, (_, count)) = known.ElementAt(name % known.Count);
                    var lookups = 1 + (ulong)version % count;
                    table.Forget(id, lookups);
                    if (count == lookups)
                        known.Remove(id);
                    else
                        known[id] = (known[id].Node, count - lookups);
                    break;
                case 3 when known.Count > 0:
                    table.Detach(known.ElementAt(name % known.Count).Value.Node);
                    break;
            }

            foreach (var (id, (node, _)) in known)
                Assert.Same(node, table.Get(id));
            Assert.Equal(2 + known.Count, table.Count);
            foreach (var group in known.Values.GroupBy(one => one.Node.Name))
                Assert.True(group.Count(one => one.Node.IsCurrent) <= 1);
        }

        foreach (var (id, (_, count)) in known)
            table.Forget(id, count);
        table.Forget(folder.Id, 1);
        Assert.Equal(1, table.Count);
    }

    private static Found FileOf(string name, int version) =>
        new(name, false, 10, DateTimeOffset.UnixEpoch, (ulong)version);
}
