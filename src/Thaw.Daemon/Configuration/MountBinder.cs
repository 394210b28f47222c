using System.Collections.Immutable;
using Thaw.Core.Configuration;
using Thaw.Core.Units;

namespace Thaw.Daemon.Configuration;

/// <summary>Composes the mounts and checks each and all of them.</summary>
internal static class MountBinder
{
    private const int MostRegionCharacters = 63; // of a label of a host name (RFC 1035)

    /// <summary>The mounts; those with errors are left out once the errors are reported.</summary>
    public static ImmutableArray<MountConfig> Bind(ConfigValues values)
    {
        var mounts = ImmutableArray.CreateBuilder<MountConfig>();
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var buckets = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var index = 0; index < values.Count("mounts"); index++)
        {
            var path = $"mounts[{index}]";
            CheckName($"{path}.name", "name", names, values);
            if (values.Has($"{path}.bucket"))
                CheckName($"{path}.bucket", "bucket", buckets, values);
            else if (values.Get($"{path}.name", "") is { Length: > 0 } name && !buckets.TryAdd(name, $"{path}.name"))
                values.Report(values.Line($"{path}.name"), $"{path}.name",
                    $"\"{name}\" is already the bucket of {buckets[name]}; choose another name or set a bucket.");
            if (BindMount(path, values) is { } mount)
                mounts.Add(mount);
        }

        return mounts.ToImmutable();
    }

    private static void CheckName(string key, string noun, Dictionary<string, string> taken, ConfigValues values)
    {
        var name = values.Get(key, "");
        if (name.Length == 0)
            return;
        if (BucketName.Check(name) is { } wrong)
            values.Report(values.Line(key), key, $"\"{OptionText.Shorten(name)}\" {wrong}.");
        else if (!taken.TryAdd(name, key))
            values.Report(values.Line(key), key, $"\"{name}\" is already {taken[name]}; each {noun} may stand once.");
    }

    private static MountConfig? BindMount(string path, ConfigValues values)
    {
        var name = values.Get($"{path}.name", "");
        var origin = values.Get($"{path}.origin", "");
        var url = BindOrigin($"{path}.origin", origin, values);
        var endpoint = BindEndpoint($"{path}.endpoint", values);
        var credentials = BindCredentials($"{path}.credentials", values);
        if (values.Get($"{path}.immutable", false) && values.Has($"{path}.revalidate"))
            values.Report(values.Line($"{path}.immutable"), $"{path}.immutable",
                "immutable: true asks nothing, so revalidate has no effect; keep one of the two.");
        if (url is null)
            return null;
        if (url.Scheme == OriginScheme.File)
            RefuseForDirectory(path, values);
        var region = values.Get($"{path}.region", "auto");
        // It becomes a part of a host name, and the SDK refuses others only when the origin is made.
        if (region.Length > MostRegionCharacters
            || !region.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            values.Report(values.Line($"{path}.region"), $"{path}.region",
                $"\"{OptionText.Shorten(region)}\" is no region's name: "
                + $"letters, digits, '-', '_' and '.', at most {MostRegionCharacters}.");
        return new MountConfig
        {
            Name = name,
            Bucket = values.Get($"{path}.bucket", name),
            Origin = origin,
            Scheme = url.Scheme,
            OriginBucket = url.Bucket,
            OriginPrefix = url.Prefix,
            Endpoint = endpoint,
            Region = region == "auto" ? null : region,
            PathStyle = values.Get($"{path}.pathStyle", "auto") switch { "true" => true, "false" => false, _ => null },
            Credentials = credentials,
            Revalidate = values.Get($"{path}.immutable", false)
                ? null : values.Get($"{path}.revalidate", TimeSpan.FromSeconds(60)),
            StaleIfError = values.Get<TimeSpan?>($"{path}.staleIfError", null),
            Keep = values.Get($"{path}.keep", "auto") switch
            {
                "always" => KeepMode.Always,
                "never" => KeepMode.Never,
                _ => KeepMode.Auto,
            },
            Ttl = values.Get<TimeSpan?>($"{path}.ttl", null),
            Quota = values.Get<ByteSize?>($"{path}.quota", null),
            VerifyOrigin = values.Get($"{path}.verify", "transport") == "origin",
        };
    }

    private static OriginUrl? BindOrigin(string key, string origin, ConfigValues values)
    {
        if (origin.Length == 0)
        {
            // A missing one is reported with the list; an empty one can only come from the environment.
            if (values.Has(key) && !values.IsBad(key))
                values.Report(
                    values.Line(key), key, "the origin is empty; write s3://bucket/prefix or file:///directory.");
            return null;
        }

        var (url, sentence) = OriginUrl.Parse(origin);
        if (sentence is not null)
            values.Report(values.Line(key), key, sentence);
        return url;
    }

    private static Uri? BindEndpoint(string key, ConfigValues values)
    {
        var text = values.Get<string?>(key, null);
        if (text is null)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            && endpoint.PathAndQuery == "/" && endpoint.UserInfo.Length == 0 && endpoint.Fragment.Length == 0)
            return endpoint;
        values.Report(values.Line(key), key,
            $"\"{OptionText.Shorten(text)}\" is no endpoint; write scheme, host and port alone, such as "
                + "http://127.0.0.1:9000.");
        return null;
    }

    private static CredentialsConfig BindCredentials(string path, ConfigValues values)
    {
        var access = values.Get<string?>($"{path}.accessKeyFile", null);
        var secret = values.Get<string?>($"{path}.secretKeyFile", null);
        var anonymous = values.Get($"{path}.anonymous", false);
        var (accessKey, secretKey) = ($"{path}.accessKeyFile", $"{path}.secretKeyFile");
        if (access is null != secret is null && !values.IsBad(accessKey) && !values.IsBad(secretKey))
            values.Report(values.Line(access is null ? secretKey : accessKey), access is null ? accessKey : secretKey,
                "it is missing; accessKeyFile and secretKeyFile belong together.");
        if (anonymous && (access ?? secret) is not null)
            values.Report(values.Line($"{path}.anonymous"), $"{path}.anonymous",
                "anonymous requests carry no key; remove anonymous or the key files.");
        return new CredentialsConfig(access, secret, anonymous);
    }

    private static void RefuseForDirectory(string path, ConfigValues values)
    {
        string[] names =
        [
            "endpoint", "region", "pathStyle", "credentials.accessKeyFile", "credentials.secretKeyFile",
            "credentials.anonymous",
        ];
        foreach (var key in names.Select(name => $"{path}.{name}").Where(values.Has))
            values.Report(values.Line(key), key, "it has no effect on a file:// origin; remove it.");
    }
}
