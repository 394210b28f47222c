using Thaw.Core.Api;
using Thaw.Core.Failures;

namespace Thaw.Core.Contracts;

/// <summary>The POSIX face as the node's control sees it.</summary>
public interface IPosixControl
{
    /// <summary>Counters since start and gauges.</summary>
    PosixStats GetStats();

    /// <summary>Mounts the tree at a directory, or unmounts it; doing it twice is fine.</summary>
    ValueTask<Result<PosixStatus>> SetAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken);
}
