using System.Globalization;
using Thaw.Core;
using Thaw.Core.Units;

namespace Thaw.Daemon.Checks;

/// <summary>
/// The kernel's limits of this process (getrlimit(2)). A node that one of them would break later refuses to start.
/// </summary>
internal static class LimitChecks
{
    private const long Unknown = -1;
    private const string File = "/proc/self/limits";

    public static IEnumerable<Check> Run(HostFiles host) => [Descriptors(host), AddressSpace(host), FileSize(host)];

    /// <summary>The sentence with which a node does not start; null when it may.</summary>
    public static string? FindRefusal(HostFiles host) =>
        Run(host).FirstOrDefault(check => check.State == CheckState.Fail) is { } failed
            ? $"the node cannot start: {failed.Name} of this process: {failed.Found}; {failed.Advice}"
            : null;

    internal static Check Descriptors(HostFiles host)
    {
        const string name = "open files";
        const string advice = "set LimitNOFILE=1048576 in the unit, or --ulimit nofile for the container.";
        return Soft(host, "Max open files") switch
        {
            Unknown => Check.Warn(name, File, "the limit cannot be read", "look at \"ulimit -n\" of the service."),
            long.MaxValue => Check.Ok(name, File, "no limit"),
            < Limits.DescriptorsLeast and var limit =>
                Check.Fail(name, File, $"at most {limit}, and {Limits.DescriptorsLeast} are needed", advice),
            < Limits.DescriptorsWanted and var limit =>
                Check.Warn(name, File, $"at most {limit}, enough for a few hundred clients", advice),
            var limit => Check.Ok(name, File, $"at most {limit}"),
        };
    }

    internal static Check AddressSpace(HostFiles host)
    {
        const string name = "address space";
        return Soft(host, "Max address space") switch
        {
            Unknown => Check.Warn(name, File, "the limit cannot be read", "look at \"ulimit -v\" of the service."),
            < Limits.AddressSpaceLeast and var limit => Check.Fail(name, File,
                $"at most {new ByteSize(limit)}, and {new ByteSize(Limits.AddressSpaceLeast)} are needed",
                "set LimitAS=infinity in the unit, or \"ulimit -v unlimited\": cache.memory is what bounds Thaw."),
            long.MaxValue => Check.Ok(name, File, "no limit"),
            var limit => Check.Ok(name, File, $"at most {new ByteSize(limit)}"),
        };
    }

    internal static Check FileSize(HostFiles host)
    {
        const string name = "file size";
        return Soft(host, "Max file size") switch
        {
            Unknown => Check.Warn(name, File, "the limit cannot be read", "look at \"ulimit -f\" of the service."),
            long.MaxValue => Check.Ok(name, File, "no limit"),
            var limit => Check.Warn(name, File,
                $"at most {new ByteSize(limit)}: larger objects are served and not kept",
                "set LimitFSIZE=infinity in the unit, or \"ulimit -f unlimited\"."),
        };
    }

    /// <summary>The soft limit; <see cref="long.MaxValue"/> for none.</summary>
    private static long Soft(HostFiles host, string title)
    {
        var line = host.Read(File[1..])?.Split('\n')
            .FirstOrDefault(row => row.StartsWith(title, StringComparison.Ordinal));
        var soft = line?[title.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return soft == "unlimited" ? long.MaxValue
            : long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : Unknown;
    }
}
