using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Thaw.Cli.Support;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cli;

public sealed class DoctorTests
{
    private const string NoNode = "http://127.0.0.1:1";

    [Fact]
    public async Task Each_check_is_one_line_and_a_failed_one_decides_the_exit_code()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["models"]);
        File.WriteAllText(folder["models/a"], "a");
        var good = await DoctorAsync(folder, "models");
        Assert.Contains($"mount models: file://{folder["models"]}", good.Out, StringComparison.Ordinal);
        Assert.All(good.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)[..^1], line =>
            Assert.Matches("^(ok|warn|fail) +[a-z]", line));
        Assert.Equal(good.Out.Contains("\nfail", StringComparison.Ordinal) ? 1 : 0, good.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(folder["cache"]));

        var bad = await DoctorAsync(folder, "none");
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains(bad.Out.Split('\n'), line => line.StartsWith("fail  origin", StringComparison.Ordinal)
            && line.Contains(folder["none"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Json_has_every_check_with_its_state()
    {
        using var folder = new TempFolder();
        var run = await DoctorAsync(folder, "none", "--json");
        using var json = JsonDocument.Parse(run.Out);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        var checks = json.RootElement.GetProperty("checks").EnumerateArray().ToArray();
        Assert.All(checks, check =>
            Assert.Contains(check.GetProperty("state").GetString(), (string[])["ok", "warn", "fail"]));
        Assert.All(checks.Where(check => check.GetProperty("state").GetString() != "ok"),
            check => Assert.NotEqual("", check.GetProperty("advice").GetString()));
        string[] names = ["config", "kernel", "fuse", "glibc", "openssl", "open files", "address space",
            "file size", "tcp", "tcp buffers", "memory limit", "port",
            "disk space", "disk speed", "disk holes", "origin"];
        Assert.Equal([], names.Except(checks.Select(check => check.GetProperty("name").GetString()!)));
    }

    [Fact]
    public async Task Ports_that_others_use_are_told_and_the_node_s_own_are_not()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["models"]);
        File.WriteAllText(folder["models/a"], "a");
        await using var node = await FakeNode.StartAsync(); // says that it is the node "fake"
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var own = new Uri(node.Url).Authority;
        var port = $"{other.LocalEndpoint}";
        Assert.Empty(await FailedPortsAsync("fake", "127.0.0.1:0", own));
        Assert.Equal(["s3.listen"], await FailedPortsAsync("fake", port, own));
        Assert.Equal(["control.listen"], await FailedPortsAsync("somebody-else", "127.0.0.1:0", own));
        Assert.Equal(["control.listen"], await FailedPortsAsync("fake", "127.0.0.1:0", port));

        async Task<string[]> FailedPortsAsync(string name, string s3, string control)
        {
            var config = folder.Write("thaw.yaml", $"node: {{name: {name}}}\ns3: {{listen: '{s3}'}}\n"
                + $"control: {{listen: '{control}'}}\n"
                + $"mounts: [{{name: models, origin: 'file://{folder["models"]}'}}]\n");
            var run = await CliRun.ExecuteAsync(["doctor", "--config", config, "--node", NoNode]);
            return [.. run.Out.Split('\n').Where(line => line.StartsWith("fail  port", StringComparison.Ordinal))
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2])];
        }
    }

    [Theory]
    [InlineData("credentials: {accessKeyFile: $F/access, secretKeyFile: $F/secret}", true)]
    [InlineData("credentials: {accessKey: planted-1, secretKey: planted-2}", false)]
    [InlineData("region: 'planted-3?token=planted-4'", false)]
    public async Task A_bundle_holds_no_secret(string line, bool valid)
    {
        using var folder = new TempFolder();
        folder.Write("access", "planted-access");
        folder.Write("secret", "planted-secret");
        var config = folder.Write("thaw.yaml",
            "# password: planted-comment\ncache: {disks: [{path: " + folder["cache"] + "}]}\n"
            + "mounts:\n  - name: models\n    origin: s3://bucket\n    endpoint: http://127.0.0.1:1\n    "
            + line.Replace("$F", folder.FullPath, StringComparison.Ordinal) + "\n");
        var bundle = folder["support.tar.gz"];
        var run = await CliRun.ExecuteAsync(["doctor", "--config", config, "--bundle", bundle, "--node", NoNode,
            "--token", "planted-token"]);
        Assert.Equal(1, run.ExitCode);
        var entries = Read(bundle);
        Assert.Contains("thaw-support/doctor.json", entries.Keys);
        Assert.Contains("thaw-support/node.txt", entries.Keys);
        Assert.Contains(valid ? "thaw-support/config.txt" : "thaw-support/config-errors.txt", entries.Keys);
        if (valid)
            Assert.Contains("secretKeyFile: " + folder["secret"], entries["thaw-support/config.txt"],
                StringComparison.Ordinal);
        Assert.All(entries, entry => Assert.DoesNotContain("planted", entry.Value, StringComparison.Ordinal));
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bundle));
    }

    [Theory]
    [InlineData("https://user:pw@host/x", "https://[redacted]@host/x")]
    [InlineData("GET http://h/k?X-Amz-Signature=abc&b=c failed.", "GET http://h/k?[redacted] failed.")]
    [InlineData("key AKIAABCDEFGHIJKLMNOP.", "key [redacted].")]
    [InlineData("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]")]
    [InlineData("secretKey: abc", "secretKey: [redacted]")]
    [InlineData("\"token\":\"abc\"", "\"token\":\"[redacted]\"")]
    [InlineData("credentials.secretKeyFile: /etc/thaw/secret", "credentials.secretKeyFile: /etc/thaw/secret")]
    public void Secrets_are_taken_out_of_text(string text, string expected) =>
        Assert.Equal(expected, Redaction.Apply(text));

    private static Task<CliRun> DoctorAsync(TempFolder folder, string origin, params string[] more)
    {
        Directory.CreateDirectory(folder["cache"]);
        var config = folder.Write("thaw.yaml", $"cache: {{disks: [{{path: {folder["cache"]}, capacity: 64MiB}}]}}\n"
            + $"mounts: [{{name: models, origin: 'file://{folder[origin]}'}}]\n");
        return CliRun.ExecuteAsync(["doctor", "--config", config, "--node", NoNode, .. more]);
    }

    private static Dictionary<string, string> Read(string bundle)
    {
        using var file = File.OpenRead(bundle);
        using var plain = new GZipStream(file, CompressionMode.Decompress);
        using var archive = new TarReader(plain);
        var entries = new Dictionary<string, string>();
        while (archive.GetNextEntry(copyData: true) is { } entry)
        {
            using var text = new StreamReader(entry.DataStream!);
            entries.Add(entry.Name, text.ReadToEnd());
        }

        return entries;
    }
}
