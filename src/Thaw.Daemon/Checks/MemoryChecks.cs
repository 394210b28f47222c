using Thaw.Core;
using Thaw.Core.Units;

namespace Thaw.Daemon.Checks;

/// <summary>
/// Memory limits of the control group. The page cache of what Thaw reads and writes is charged to its group: a limit
/// that only covers the process starves the memory tier, or has the process killed.
/// </summary>
internal static class MemoryChecks
{
    private const string Name = "memory limit";
    private const string Root = "sys/fs/cgroup";

    public static IEnumerable<Check> Run(HostFiles host, ByteSize cacheMemory)
    {
        if (Tightest(host) is not { } limit)
            return [Check.Ok(Name, "/" + Root, "no control group limits the memory")];
        var least = cacheMemory.Bytes + Limits.MemoryBesideBuffers;
        var wanted = least + Limits.PageCacheWanted;
        var found = $"{new ByteSize(limit.Bytes)}, and cache.memory is {cacheMemory}";
        const string advice = "raise it, or lower cache.memory: the page cache of cached models counts too.";
        return
        [
            limit.Bytes < least
                ? Check.Fail(Name, limit.File,
                    $"{found}: the node needs {new ByteSize(least)} and would be killed or stall", advice)
                : limit.Bytes < wanted
                    ? Check.Warn(Name, limit.File,
                        $"{found}: little is left for the page cache, warm reads come from the disk", advice)
                    : Check.Ok(Name, limit.File, found),
        ];
    }

    // The limits of all groups above count as well.
    private static (string File, long Bytes)? Tightest(HostFiles host)
    {
        var limits = new List<(string File, long Bytes)>();
        foreach (var line in (host.Read("proc/self/cgroup") ?? "").Split('\n'))
        {
            var parts = line.Split(':', 3);
            if (parts.Length != 3)
                continue;
            var unified = parts[0] == "0";
            if (!unified && !parts[1].Split(',').Contains("memory"))
                continue;
            string[] files = unified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"];
            var top = unified ? Root : Root + "/memory";
            for (var group = parts[2].TrimEnd('/'); ; group = group[..Math.Max(0, group.LastIndexOf('/'))])
            {
                foreach (var file in files)
                    if (host.Number($"{top}{group}/{file}") is { } bytes and < Limits.MemoryWithoutLimit)
                        limits.Add(($"/{top}{group}/{file}", bytes));
                if (group.Length == 0)
                    break;
            }
        }

        return limits.Count == 0 ? null : limits.MinBy(limit => limit.Bytes);
    }
}
