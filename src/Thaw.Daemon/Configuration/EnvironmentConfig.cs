using System.Globalization;
using Thaw.Core.Units;

namespace Thaw.Daemon.Configuration;

/// <summary>
/// The configuration of a node that was started without a file: mounts from the environment
/// (<c>THAW_ORIGIN_MY_MODELS=s3://...</c> is mount <c>my-models</c>) and a cache below the home directory.
/// </summary>
public static class EnvironmentConfig
{
    private const string Prefix = "THAW_ORIGIN_";

    /// <summary>Percent of the free disk, the cache's own bytes counted as free, that the cache may use.</summary>
    public const int CapacityPercent = 80;

    /// <summary>Reads the environment; at least one mount is needed.</summary>
    /// <param name="environment">Names and values.</param>
    /// <param name="home">The home directory, or null when there is none.</param>
    public static ConfigReading Read(IReadOnlyDictionary<string, string> environment, string? home)
    {
        var values = new ConfigValues("environment");
        var variables = new List<string>();
        var incomplete = false;
        foreach (var (name, origin) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            if (name.Length == Prefix.Length || origin.Length == 0)
            {
                values.Report(0, name, origin.Length == 0
                    ? "this variable is empty; give it an origin such as s3://bucket/prefix, or unset it."
                    : "this variable names no mount; write its name behind it, such as THAW_ORIGIN_MODELS.");
                incomplete = true;
                continue;
            }

            values.Set($"mounts[{variables.Count}].name", name[Prefix.Length..].ToLowerInvariant().Replace('_', '-'));
            values.Set($"mounts[{variables.Count}].origin", origin);
            variables.Add(name);
        }

        values.SetCount("mounts", variables.Count);
        if (variables.Count == 0 && !incomplete)
        {
            values.Report(0, "mounts",
                "there is nothing to serve; write a file and name it with --config, or set "
                    + "THAW_ORIGIN_MODELS=s3://bucket/prefix.");
        }

        var cacheHome = environment.GetValueOrDefault("XDG_CACHE_HOME") is { Length: > 0 } set && Path.IsPathRooted(set)
            ? set : home is { Length: > 0 } ? Path.Combine(home, ".cache") : null;
        if (cacheHome is null)
            values.Report(
                0, "cache.disks", "there is no home directory to keep the cache in; set HOME or write a file.");
        else
        {
            values.SetCount("cache.disks", 1);
            values.Set("cache.disks[0].path", Path.Combine(cacheHome, "thaw"));
            values.Set("cache.disks[0].capacity", new CapacityValue((ByteSize?)null, CapacityPercent, OfFree: true));
        }

        var reading = ConfigBinder.Bind(values);
        return reading with { Errors = [.. reading.Errors.Select(error => Rename(error, variables))] };
    }

    /// <summary>A person who wrote a variable looks for its name, not for a place in a file.</summary>
    private static ConfigError Rename(ConfigError error, List<string> variables)
    {
        for (var index = 0; index < variables.Count; index++)
            if (error.Key.StartsWith(string.Create(CultureInfo.InvariantCulture, $"mounts[{index}]."),
                StringComparison.Ordinal))
                return error with { Key = variables[index] };
        return error;
    }
}
