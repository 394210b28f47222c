using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Thaw.Core.Cluster;

/// <summary>
/// Who is in the cluster, as one node saw it at one moment. Immutable; each node numbers its own snapshots, so two
/// nodes compare theirs by <see cref="Hash"/>, never by <see cref="Number"/>.
/// </summary>
public sealed class ClusterSnapshot
{
    private ClusterSnapshot(long number, ImmutableArray<ClusterMember> members) =>
        (Number, Members, Hash) = (number, members, ComputeHash(members));

    /// <summary>The snapshot before anybody is known.</summary>
    public static ClusterSnapshot Empty { get; } = new(0, []);

    /// <summary>Grows by one with each change that this node sees.</summary>
    public long Number { get; }

    /// <summary>The members in ordinal order of their names, which are unique.</summary>
    public ImmutableArray<ClusterMember> Members { get; }

    /// <summary>Equal on all nodes that see the same members in the same states.</summary>
    public ulong Hash { get; }

    /// <summary>A cluster of one node, or the first snapshot of a fixed list.</summary>
    public static ClusterSnapshot First(IEnumerable<ClusterMember> members) => Empty.Next(members);

    /// <summary>The member of this name, or null.</summary>
    public ClusterMember? Find(string name) => IndexOf(name) is >= 0 and var index ? Members[index] : null;

    /// <summary>Index of the member of this name in <see cref="Members"/>, or -1.</summary>
    public int IndexOf(string name)
    {
        var (low, high) = (0, Members.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(Members[middle].Name, name);
            if (order == 0)
                return middle;
            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>The successor with these members; this one itself when nothing changed.</summary>
    /// <exception cref="ArgumentException">Two members have the same name.</exception>
    public ClusterSnapshot Next(IEnumerable<ClusterMember> members)
    {
        var sorted = members.OrderBy(member => member.Name, StringComparer.Ordinal).ToImmutableArray();
        for (var index = 1; index < sorted.Length; index++)
            if (sorted[index].Name == sorted[index - 1].Name)
                throw new ArgumentException($"Two members are called {sorted[index].Name}.", nameof(members));
        return Number > 0 && sorted.AsSpan().SequenceEqual(Members.AsSpan())
            ? this
            : new ClusterSnapshot(Number + 1, sorted);
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"snapshot {Number} ({Hash:x16}): {Members.Length} members");

    private static ulong ComputeHash(ImmutableArray<ClusterMember> members)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var member in members)
        {
            Append(hash, member.Name);
            Append(hash, member.Zone);
            Append(hash, string.Create(CultureInfo.InvariantCulture, $"{member.Weight} {(int)member.State}"));
            foreach (var address in member.Addresses)
                Append(hash, address.ToString());
            Append(hash, "");
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }

    private static void Append(IncrementalHash hash, string text)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        var bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
