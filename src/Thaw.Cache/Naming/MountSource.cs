using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;
using Thaw.Storage.Names;

namespace Thaw.Cache.Naming;

/// <summary>What a mount is made of; the cache owns origin and names from then on.</summary>
public sealed record MountSource(MountConfig Config, IOrigin Origin, NameTable Names, MountMeter Meter)
{
    /// <summary>What the store is called on every node; null: other nodes do not see it, nothing is shared.</summary>
    public string? Store { get; init; }
}
