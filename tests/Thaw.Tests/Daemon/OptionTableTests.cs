using System.Runtime.CompilerServices;
using System.Text;
using CsCheck;
using Thaw.Daemon.Configuration;
using Xunit;

namespace Thaw.Tests.Daemon;

public sealed class OptionTableTests
{
    // One written value for each option that differs from its default.
    private static readonly Dictionary<string, string> Other = new()
    {
        ["cluster.name"] = "other",
        ["cluster.discovery"] = "etcd",
        ["cluster.nodes[]"] = "other-node=10.0.0.1:7402",
        ["cluster.etcd.endpoints[]"] = "http://127.0.0.1:2379",
        ["cluster.etcd.prefix"] = "/other",
        ["cluster.copies"] = "2",
        ["cluster.secretFile"] = "/secret",
        ["node.name"] = "other-node",
        ["node.zone"] = "other",
        ["node.advertise[]"] = "10.0.0.1:7402",
        ["node.weight"] = "7",
        ["node.drain"] = "11s",
        ["cache.disks[].path"] = "/other",
        ["cache.disks[].capacity"] = "1GiB",
        ["cache.memory"] = "64MiB",
        ["mounts[].name"] = "other-name",
        ["mounts[].bucket"] = "other-bucket",
        ["mounts[].origin"] = "s3://other/x",
        ["mounts[].endpoint"] = "http://127.0.0.1:9000",
        ["mounts[].region"] = "eu-west-1",
        ["mounts[].pathStyle"] = "true",
        ["mounts[].credentials.accessKeyFile"] = "/a",
        ["mounts[].credentials.secretKeyFile"] = "/s",
        ["mounts[].credentials.anonymous"] = "true",
        ["mounts[].revalidate"] = "61s",
        ["mounts[].immutable"] = "true",
        ["mounts[].staleIfError"] = "5m",
        ["mounts[].keep"] = "always",
        ["mounts[].ttl"] = "30d",
        ["mounts[].quota"] = "2TiB",
        ["mounts[].verify"] = "origin",
        ["origins.bandwidth"] = "1GiB/s",
        ["origins.connections"] = "255",
        ["s3.listen"] = "127.0.0.1:1",
        ["s3.domain"] = "s3.local",
        ["control.listen"] = "127.0.0.1:2",
        ["peer.listen[]"] = "127.0.0.1:3",
        ["posix.path"] = "/other",
        ["posix.openWait"] = "6s",
        ["insecure"] = "true",
    };

    [Fact]
    public void Every_option_of_the_table_reaches_the_configuration()
    {
        foreach (var row in OptionTable.Rows)
        {
            var plain = ConfigReaderTests.Valid(Write(null, etcd: NeedsEtcd(row.Key)));
            var changed = ConfigReaderTests.Valid(Write(row.Key, etcd: NeedsEtcd(row.Key)));
            var difference = ConfigDifference.Between(plain, changed);
            var keys = row.Change == OptionChange.Live ? difference.Live : difference.Restart;
            Assert.True(keys.Any(key => Pattern(key) == row.Key), $"{row.Key} changes [{string.Join(", ", keys)}]");
        }
    }

    [Fact]
    public void Every_default_of_the_table_is_what_the_reader_fills_in()
    {
        foreach (var row in OptionTable.Rows.Where(row => !row.Required && Readable(row)))
        {
            var difference = ConfigDifference.Between(
                ConfigReaderTests.Valid(Write(null, etcd: NeedsEtcd(row.Key))),
                ConfigReaderTests.Valid(Write(row.Key, row.Default, NeedsEtcd(row.Key))));
            Assert.Equal([], difference.Live.Concat(difference.Restart));
        }
    }

    [Fact]
    public void Every_row_tells_all_and_the_format_stays_small()
    {
        Assert.All(OptionTable.Rows, row =>
        {
            Assert.NotEmpty(row.Bounds);
            Assert.EndsWith(".", row.Reason, StringComparison.Ordinal);
            Assert.Equal(row.Required, row.Default.Length == 0);
        });
        Assert.InRange(OptionTable.Rows.Length, 20, 59);
    }

    [Fact]
    public void The_reference_page_is_what_the_table_says()
    {
        var path = Path.Combine(Root(), "docs", "reference", "configuration.md");
        var page = OptionReference.Write();
        if (Environment.GetEnvironmentVariable("THAW_UPDATE_REFERENCE") == "1")
            File.WriteAllText(path, page);
        Assert.True(page == File.ReadAllText(path),
            "docs/reference/configuration.md differs from the option table; run the test once with "
                + "THAW_UPDATE_REFERENCE=1.");
    }

    [Fact]
    public void Any_text_gives_a_result()
    {
        var valid = string.Concat(OptionTable.Rows.Select(row => Write(row.Key) + "\n"));
        var seeds = OptionTable.Rows.Select(row => Write(row.Key)).ToArray();
        string[] pieces =
        [
            "{", "}", "[", "]", ":", ": ", "- ", "\n", "  ", "&a ", "*a", "<<: ", "\"", "'", "|", ">", "? ", "!!str ",
            "%", "#",
            "\t", "\0", "~", "null", "true", "-1", "1e9", "99999999999999999999", "9999999999TiB", "١", "mounts",
            "cache", "---\n", "...\n",
        ];
        var edit = Gen.Select(Gen.Int[0, valid.Length], Gen.Int[0, 12],
            Gen.Int[0, pieces.Length - 1].Select(index => pieces[index]).Array[0, 4]);
        Gen.Select(Gen.Int[0, seeds.Length - 1].Select(index => seeds[index]), edit.Array[0, 6]).Sample(sample =>
        {
            var text = new StringBuilder(sample.Item1);
            foreach (var (at, cut, added) in sample.Item2)
            {
                var from = at % (text.Length + 1);
                text.Remove(from, Math.Min(cut, text.Length - from)).Insert(from, string.Concat(added));
            }

            var reading = ConfigReader.Read(text.ToString(), "any.yaml");
            return reading.Config is null != reading.Errors.IsEmpty;
        }, iter: 20_000, print: sample => $"{sample.Item1} edited by {string.Join(";", sample.Item2)}");
        Gen.String.Sample(text => ConfigReader.Read(text, "any.yaml") is not null, iter: 5_000);
    }

    private static bool Readable(OptionRow row) =>
        row.Key is not ("node.name" or "cluster.nodes[]" or "cluster.etcd.endpoints[]" or "node.advertise[]"
        or "cluster.discovery" or "mounts[].bucket" or "mounts[].endpoint"
        or "mounts[].credentials.accessKeyFile" or "mounts[].credentials.secretKeyFile");

    /// <summary>Options that mean something only where etcd tells the members.</summary>
    private static bool NeedsEtcd(string key) =>
        key.StartsWith("cluster.etcd", StringComparison.Ordinal)
        || key is "node.zone" or "node.advertise[]" or "node.weight";

    private static string Write(string? key, string? value = null, bool etcd = false)
    {
        var options = new Dictionary<string, string>
        {
            ["cache.disks[].path"] = "/disk",
            ["mounts[].name"] = "models",
            ["mounts[].origin"] = "s3://acme",
        };
        if (etcd)
        {
            options["cluster.discovery"] = "etcd";
            options["cluster.etcd.endpoints[]"] = "http://127.0.0.1:1";
        }

        if (key is not null)
            options[key] = value ?? Other[key];
        if (key == "cluster.discovery")
            options["cluster.etcd.endpoints[]"] = "http://127.0.0.1:1";
        if (key == "cluster.nodes[]")
            options["node.name"] = "other-node";
        if (key?.EndsWith("KeyFile", StringComparison.Ordinal) == true)
        {
            options.TryAdd("mounts[].credentials.accessKeyFile", "/same");
            options.TryAdd("mounts[].credentials.secretKeyFile", "/same");
        }

        var disk = Group("cache.disks[].", options);
        var credentials = Group("mounts[].credentials.", options);
        var mount = Group("mounts[].", options) + (credentials.Length > 0 ? $"credentials: {{{credentials}}}" : "");
        var yaml = new StringBuilder(
            $"mounts: [{{{mount}}}]\ncache: {{disks: [{{{disk}}}], {Group("cache.", options)}}}\n");
        yaml.Append($"cluster: {{{Group("cluster.", options)} etcd: {{{Group("cluster.etcd.", options)}}}}}\n");
        foreach (var group in (string[])["node", "origins", "s3", "control", "peer", "posix"])
            yaml.Append($"{group}: {{{Group(group + ".", options)}}}\n");
        return yaml.Append(options.TryGetValue("insecure", out var insecure) ? $"insecure: {insecure}\n" : "")
            .ToString();
    }

    private static string Group(string prefix, Dictionary<string, string> options) => string.Concat(options
        .Where(option =>
            option.Key.StartsWith(prefix, StringComparison.Ordinal) && !option.Key[prefix.Length..].Contains('.'))
        .Select(option => option.Key.EndsWith("[]", StringComparison.Ordinal)
            ? $"{option.Key[prefix.Length..^2]}: [\"{option.Value}\"], "
            : $"{option.Key[prefix.Length..]}: \"{option.Value}\", "));

    private static string Pattern(string key)
    {
        var open = key.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? key : key[..(open + 1)] + key[key.LastIndexOf(']')..];
    }

    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));
}
