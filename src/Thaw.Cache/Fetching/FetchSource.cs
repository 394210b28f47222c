using Thaw.Cache.Naming;
using Thaw.Core.Identity;

namespace Thaw.Cache.Fetching;

/// <summary>Where the chunks of a version can be fetched: its name at its mount's origin.</summary>
internal sealed record FetchSource(MountCatalog Catalog, string Key, ObjectVersion Version);
