using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Cache.Naming;

/// <summary>Finds the homes of keys among the other nodes.</summary>
internal interface IKeyHomes
{
    /// <summary>The home of a key; null when it is this node, or nobody.</summary>
    IKeyHome? Find(string store, string fullKey);

    /// <summary>
    /// The other node that ranks first: who was the key's home before this node came. Null when there is none.
    /// </summary>
    IKeyHome? FindFormer(string store, string fullKey);
}

/// <summary>Another node that answers for a key.</summary>
internal interface IKeyHome
{
    /// <summary>The key's version as the home knows it. <c>Elsewhere</c>: the home cannot be asked.</summary>
    /// <param name="isFresh">Someone found that the version has changed: the home asks the origin now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<Result<AgedVersion>> ResolveAsync(bool isFresh, CancellationToken cancellationToken);
}

/// <summary>A version, and how long ago the origin confirmed it.</summary>
internal sealed record AgedVersion(ObjectVersion Version, TimeSpan Age);
