using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Membership;

/// <summary>What a node writes of itself in etcd, below <c>PREFIX/CLUSTER/nodes/</c>, as JSON.</summary>
/// <param name="Addresses">Addresses of its peer port.</param>
/// <param name="Zone">Zone.</param>
/// <param name="Weight">Weight.</param>
/// <param name="State">State.</param>
/// <param name="Until">When the others stop waiting for it.</param>
/// <param name="Run">Differs with each start, so that two nodes of one name notice each other.</param>
internal sealed record MemberRecord(
    ImmutableArray<string> Addresses, string? Zone, int Weight, MemberState State, DateTimeOffset? Until, string? Run)
{
    public static byte[] Write(ClusterMember member, string run) => JsonSerializer.SerializeToUtf8Bytes(
        new MemberRecord(
            [.. member.Addresses.Select(address => address.ToString())], member.Zone, member.Weight, member.State,
            member.Until, run),
        MemberJson.Default.MemberRecord);

    /// <summary>The record, or null if it is none: another version wrote it, or a person.</summary>
    public static MemberRecord? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, MemberJson.Default.MemberRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The member, or null if it could not be reached by what it says.</summary>
    public ClusterMember? ToMember(string name)
    {
        if (Addresses.IsDefaultOrEmpty || Weight is < 0 or > ClusterMember.WeightMost || !Enum.IsDefined(State))
            return null;
        var addresses = ImmutableArray.CreateBuilder<NodeAddress>(Addresses.Length);
        foreach (var text in Addresses)
            if (NodeAddress.TryParse(text, out var address))
                addresses.Add(address);
        return addresses.Count == 0 ? null : new ClusterMember
        {
            Name = name,
            Addresses = addresses.ToImmutable(),
            Zone = Zone ?? "",
            Weight = Weight,
            State = State,
            Until = Until,
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(MemberRecord))]
internal sealed partial class MemberJson : JsonSerializerContext;
