using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Cache.Naming;

/// <summary>The mounts of this node, in order of configuration.</summary>
internal sealed class MountTable(IEnumerable<MountCatalog> mounts) : IAsyncDisposable
{
    public ImmutableArray<MountCatalog> All { get; } = [.. mounts];

    public bool TryGet(
        string name, [NotNullWhen(true)] out MountCatalog? mount, [NotNullWhen(false)] out Failure? failure)
    {
        mount = All.FirstOrDefault(candidate => candidate.Config.Name == name);
        failure = mount is not null ? null : new Failure(FailureKind.MountNotFound,
            $"There is no mount {name} on this node; it has "
                + $"{(All.IsEmpty ? "none" : string.Join(", ", All.Select(one => one.Config.Name)))}.");
        return mount is not null;
    }

    /// <summary>The mount that shows a place, and the place's key below it; null: none does.</summary>
    public (MountCatalog Mount, string Key)? Find(PeerPlace place)
    {
        foreach (var mount in All)
            if (mount.Store == place.Origin
                && place.Key.StartsWith(mount.Config.OriginPrefix, StringComparison.Ordinal))
                return (mount, place.Key[mount.Config.OriginPrefix.Length..]);
        return null;
    }

    /// <summary>Whether any name of a version is pinned.</summary>
    public bool IsPinned(ContentId id)
    {
        foreach (var mount in All)
            if (mount.Names.KeepOf(id).IsPinned)
                return true;
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var mount in All)
            await mount.DisposeAsync().ConfigureAwait(false);
    }
}
