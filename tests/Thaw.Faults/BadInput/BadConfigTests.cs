using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.BadInput;

/// <summary>
/// Configurations and places with which a node must not start: each is told in sentences, with exit code 1.
/// </summary>
public sealed class BadConfigTests
{
    private const string Mounts = "mounts: [{name: models, origin: 'file:///'}]\n";

    /// <summary>Name, file, and a part of the sentence.</summary>
    public static TheoryData<string, string, string> Files { get; } = new()
    {
        { "no YAML", "{{{", "" },
        { "a list", "- a\n- b\n", "" },
        { "a tab", "mounts:\n\t- name: a\n", "" },
        { "unknown option", Mounts + "cash: {}\n", "cache" },
        { "misspelt option", "mounts: [{name: models, orgin: 'file:///'}]\n", "did you mean \"origin\"" },
        { "an option twice", Mounts + "node: {name: a}\nnode: {name: b}\n", "node" },
        { "name in capitals", "mounts: [{name: Models, origin: 'file:///'}]\n", "lower-case" },
        { "name twice", "mounts: [{name: a-b, origin: 'file:///'}, {name: a-b, origin: 'file:///'}]\n", "a-b" },
        { "origin missing", "mounts: [{name: models}]\n", "origin" },
        { "scheme of tomorrow", "mounts: [{name: models, origin: 'gs://b'}]\n", "not in this version" },
        { "scheme of nobody", "mounts: [{name: models, origin: 'ftp://b'}]\n", "ftp" },
        { "relative directory", "mounts: [{name: models, origin: 'file://srv'}]\n", "origin" },
        { "origin with a password", "mounts: [{name: models, origin: 's3://user:pw@bucket'}]\n", "origin" },
        { "time without unit", "mounts: [{name: models, origin: 'file:///', revalidate: 5x}]\n", "is not a time" },
        { "size too small", Mounts + "cache: {memory: 1}\n", "out of bounds" },
        { "size too large", Mounts + "cache: {memory: 99999999999TiB}\n", "memory" },
        { "negative size", Mounts + "cache: {memory: -5GiB}\n", "memory" },
        { "percent over 100", Mounts + "cache: {disks: [{path: /tmp/x, capacity: 180%}]}\n", "out of bounds" },
        { "disk without path", Mounts + "cache: {disks: [{capacity: 1GiB}]}\n", "path" },
        { "relative disk", Mounts + "cache: {disks: [{path: here}]}\n", "absolute" },
        { "disk twice", Mounts + "cache: {disks: [{path: /tmp/x}, {path: /tmp/x/}]}\n", "once" },
        { "no address", Mounts + "s3: {listen: nope}\n", "127.0.0.1:7400" },
        { "port out of bounds", Mounts + "s3: {listen: '127.0.0.1:70000'}\n", "listen" },
        { "beyond loopback", Mounts + "s3: {listen: '0.0.0.0:7400'}\n", "insecure" },
        { "one listener for two", Mounts + "s3: {listen: '127.0.0.1:7401'}\n", "7401" },
        { "option of tomorrow", Mounts + "policies: {match: a}\n", "not in this version" },
        { "one key of two", "mounts: [{name: models, origin: 's3://b', credentials: {accessKeyFile: /x}}]\n",
            "secretKeyFile" },
        { "a region of nobody", "mounts: [{name: models, origin: 's3://b', region: 'eu?x=1'}]\n", "region" },
        { "a map for a number", Mounts + "origins: {connections: {a: 1}}\n", "connections" },
        { "an address of another host", Mounts + "s3: {listen: '192.0.2.1:7400'}\ninsecure: true\n", "listen" },
    };

    /// <summary>Name, and a part of the sentence.</summary>
    public static TheoryData<string, string> Places { get; } = new()
    {
        { "S3 port in use", "in use" },
        { "control port in use", "in use" },
        { "cache of another node", "used by another node" },
        { "cache that cannot be written", "cache directory /sys/thaw" },
        { "cache that is a file", "is a file" },
        { "cache of a newer format", "newer" },
        { "cache of something else", "no Thaw cache" },
        { "cache on a read-only file system", "read-only" },
        { "few open files", "open files" },
        { "little address space", "address space" },
        { "file that is missing", "no such file" },
        { "file that is a directory", "no such file" },
    };

    /// <summary>Name, variables <c>NAME=VALUE</c> in place of a file, and a part of the sentence.</summary>
    public static TheoryData<string, string, string> Environments { get; } = new()
    {
        { "origin of nobody", "THAW_ORIGIN_MODELS=ftp://b", "ftp" },
        { "origin that is no URL", "THAW_ORIGIN_MODELS=models", "THAW_ORIGIN_MODELS" },
        { "origin without a name", "THAW_ORIGIN_=s3://b", "THAW_ORIGIN_" },
        { "origin that is empty", "THAW_ORIGIN_MODELS=", "is empty" },
        { "origin with a bad name", "THAW_ORIGIN_X=s3://b", "THAW_ORIGIN_X" },
        { "no home for the cache", "THAW_ORIGIN_MODELS=file:///\nHOME=", "HOME" },
    };

    [Theory]
    [MemberData(nameof(Environments))]
    public async Task A_bad_environment_is_told_in_sentences(string name, string variables, string part) =>
        await RefusesAsync(name, new Command(Thaw.Testing.Places.Executable, "serve")
        {
            Environment = variables.Split('\n').Select(line => line.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => pair is ["HOME", ""] ? null : (string?)pair[1]),
        }, part);

    [Fact]
    public async Task All_that_is_wrong_with_a_file_is_told_at_once_with_its_line()
    {
        using var folder = new TempFolder();
        var file = folder.Write("thaw.yaml", """
            mounts:
              - {name: Models, origin: 's3://b'}
              - {name: two, orgin: 'file:///'}
            cashe: {memory: 1GiB}
            s3: {listen: '127.0.0.1:70000'}
            node: {drain: 5 parsecs}
            """);
        var (code, _, error) =
            await new Command(Thaw.Testing.Places.Executable, "serve", "--config", file).TryRunAsync(
                TestContext.Current.CancellationToken);
        Assert.Equal(1, code);
        string[] wanted =
        [
            $"thaw: {file}:2: mounts[0].name: ", $"thaw: {file}:3: mounts[1].orgin: ", $"thaw: {file}:4: cashe: ",
            $"thaw: {file}:5: s3.listen: ", $"thaw: {file}:6: node.drain: ",
        ];
        Assert.All(wanted, start => Assert.Contains(start, error, StringComparison.Ordinal));
        Assert.Contains("did you mean \"origin\"?", error, StringComparison.Ordinal);
        Assert.Contains("did you mean \"cache\"?", error, StringComparison.Ordinal);
        Assert.All(error.Trim().Split('\n'), Sentence.Check);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_bad_file_is_told_in_sentences(string name, string text, string part)
    {
        using var folder = new TempFolder();
        await RefusesAsync(name, folder.Write("thaw.yaml", text), part);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_bad_place_is_told_in_sentences(string name, string part)
    {
        using var folder = new TempFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var cache = folder["cache"];
        Directory.CreateDirectory(cache);
        ThawProcess? holder = null;
        var (s3, control) = ("0", "0");
        switch (name)
        {
            case "S3 port in use": s3 = taken; break;
            case "control port in use": control = taken; break;
            case "cache of another node":
                holder = await ThawProcess.StartAsync(
                    new ThawSettings { Mounts = [new MountSettings("models", $"file://{folder.FullPath}")] },
                    TestContext.Current.CancellationToken);
                cache = holder.CacheFolder;
                break;
            case "cache that cannot be written": cache = "/sys/thaw"; break; // even root may not
            case "cache that is a file": cache = folder.Write("file", "x"); break;
            case "cache of a newer format": File.WriteAllText(Path.Combine(cache, "format"), "thaw-cache 99\n"); break;
            case "cache of something else": File.WriteAllText(Path.Combine(cache, "format"), "PK\u0003\u0004"); break;
        }

        var file = name switch
        {
            "file that is missing" => folder["none.yaml"],
            "file that is a directory" => folder.FullPath,
            _ => folder.Write("thaw.yaml",
                Mounts + $"cache: {{disks: [{{path: {cache}, capacity: 1GiB}}]}}\n"
                + $"s3: {{listen: '127.0.0.1:{s3}'}}\ncontrol: {{listen: '127.0.0.1:{control}'}}\n"),
        };
        await RefusesAsync(name, Wrap(name, cache, file), part);
        if (holder is null)
            return;
        await using (holder)
        {
            // The first node did not notice.
            await holder.GetStatsAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The node's command line, under what the place needs around it.</summary>
    private static Command Wrap(string name, string cache, string file)
    {
        string[] serve = [Thaw.Testing.Places.Executable, "serve", "--config", file];
        string[] root = Environment.IsPrivilegedProcess ? [] : ["--map-root-user"];
        return name switch
        {
            "few open files" => new Command("prlimit", ["--nofile=200:200", .. serve]),
            "little address space" => new Command("prlimit", ["--as=2147483648", .. serve]),
            // In a mount namespace of its own: nobody else sees it, and it is gone with the node.
            "cache on a read-only file system" => new Command("unshare", [
                "--mount", .. root, "sh", "-c", "mount -t tmpfs -o ro none \"$0\" && exec \"$@\"", cache, .. serve]),
            _ => new Command(serve[0], serve[1..]),
        };
    }

    private static Task RefusesAsync(string name, string file, string part) =>
        RefusesAsync(name, new Command(Thaw.Testing.Places.Executable, "serve", "--config", file), part);

    private static async Task RefusesAsync(string name, Command command, string part)
    {
        var (code, output, error) = await (command with { Limit = TimeSpan.FromSeconds(60) })
            .TryRunAsync(TestContext.Current.CancellationToken);
        Assert.True(code == 1, $"{name}: exit code {code}\n{error}");
        Assert.Equal("", output);
        Sentence.NoTrace(error);
        var sentences = error.Split('\n').Where(line => line.StartsWith("thaw: ", StringComparison.Ordinal)).ToArray();
        Assert.True(sentences.Length > 0, $"{name}: no sentence in\n{error}");
        Assert.All(sentences, Sentence.Check);
        Assert.True(sentences.Any(line => line.Contains(part, StringComparison.OrdinalIgnoreCase)),
            $"{name}: \"{part}\" is not in\n{error}");
    }
}
