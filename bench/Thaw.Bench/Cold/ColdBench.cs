using System.Net;
using Thaw.Bench.Harness;

namespace Thaw.Bench.Cold;

/// <summary>
/// Reading what no cache has: each turn starts its server anew over an empty directory, which is not measured, and
/// reads one object through it. The node's counters say afterwards that the origin gave every byte once.
/// </summary>
internal sealed class ColdBench(Lab lab)
{
    private const long ShapedBytesPerSecond = 200_000_000;
    private const string Key = "/bucket/model.bin";
    private const int FillReaders = 8;

    public static int Run(string part, string[] arguments)
    {
        var options = Options.Parse(arguments);
        using var lab = new Lab(options);
        var (sizeBytes, title) = part switch
        {
            "shaped" => (1L << 30, "Cold GET from an origin of 200 MB/s"),
            "open" => (2L << 30, "Cold GET from an origin without a cap"),
            "fill" => (4L << 30, "Cold fill of 4 GiB"),
            _ => throw new ArgumentException($"no such part: {part}"),
        };
        new ColdBench(lab).Measure(part, sizeBytes);
        var cap = part == "shaped" ? ", its end of the veth pair capped to 200 MB/s by tbf" : "";
        Report.Write(options, $"cold-{part}", title, $"""
            One object of {sizeBytes >> 30} GiB at an S3 origin (nginx static over a bucket layout, anonymous) in a
            network namespace of its own{cap};
            curl reads it through a server that starts with an empty cache on the same file system. {lab.Pairs} pairs in
            turns: median (least..most), ratios of the pairs. The rate is the object's size over the time until the last
            reader has all of it. CPU: user and system seconds of the server's processes for a GB of body, without the
            origin's. In every turn of Thaw the origin gave each byte once (its counters).

            {Report.Table(lab.Rows)}
            """, Plot.OfRatios($"{title}: Thaw to its peer (bar: least to most; red: aim)", lab.Rows));
        return 0;
    }

    private void Measure(string part, long sizeBytes)
    {
        lab.WriteModel("www" + Key, sizeBytes);
        using var origin = new ShapedOrigin(lab, lab["www"], Key);
        if (part == "shaped")
            origin.Shape(ShapedBytesPerSecond);
        // The files' pages, and those that the caches will take, are in memory before anything is measured.
        Thaw(origin.Server, sizeBytes, 1);
        if (part == "shaped")
        {
            Compare("through, one reader", "", 0.97, 1, () => Direct(origin.Server, sizeBytes));
        }
        else if (part == "open")
        {
            Compare("through, one reader", "nginx slice cache", 1, 1, () => Slice(origin.Server, sizeBytes, 1));
            Compare("through, one reader", "rclone", 1, 1, () => Rclone(origin.Server, sizeBytes));
            Compare("through, one reader", "", 0, 1, () => Direct(origin.Server, sizeBytes));
        }
        else
        {
            Slice(origin.Server, sizeBytes, 1);
            Compare("1 reader", "nginx slice cache", 1, 1, () => Slice(origin.Server, sizeBytes, 1));
            Compare($"{FillReaders} readers, each the whole", "nginx slice cache", 1, FillReaders,
                () => Slice(origin.Server, sizeBytes, FillReaders));
        }

        void Compare(string name, string peer, double aim, int readers, Func<Turn> turn) => lab.Compare(
            new Comparison(name, "GB/s", CongestionControl.Present)
            {
                Peer = peer.Length > 0 ? peer : origin.Server.Name,
                Aim = aim,
            },
            () => Thaw(origin.Server, sizeBytes, readers), turn);
    }

    private static Turn Direct(ServerProcess origin, long sizeBytes) =>
        Turn.Of(origin, one => Clients.WholeByCurls(one, 1, sizeBytes));

    private Turn Thaw(ServerProcess origin, long sizeBytes, int readers)
    {
        lab.Clear("cache");
        var mount = $$"""
            {name: models, origin: "s3://bucket", endpoint: "http://{{origin.Address}}:{{origin.Port}}",
              credentials: {anonymous: true}, revalidate: 1h}
            """;
        using var thaw = lab.StartThaw("cache", mount, "/models/model.bin");
        var turn = Turn.Of(thaw, one => Clients.WholeByCurls(one, readers, sizeBytes));
        lab.Tiers().AssertCold(sizeBytes, readers);
        return turn;
    }

    private Turn Slice(ServerProcess origin, long sizeBytes, int readers)
    {
        lab.Clear("nginx-slice");
        using var slice = lab.StartNginx("nginx slice cache", "nginx-slice.conf", Key, IPAddress.Loopback, [],
            [("UPSTREAM", $"{origin.Address}:{origin.Port}")]);
        return Turn.Of(slice, one => Clients.WholeByCurls(one, readers, sizeBytes));
    }

    /// <summary>
    /// rclone as a cache in front of the same origin: its HTTP server over its HTTP backend, whole files kept on disk,
    /// checks and modification times off. Its S3 backend would list the bucket, which a static origin cannot.
    /// </summary>
    private Turn Rclone(ServerProcess origin, long sizeBytes)
    {
        lab.Clear("rclone");
        var port = Lab.FreePort();
        using var rclone = ServerProcess.Start("rclone", IPAddress.Loopback, port, Key, "rclone", "serve", "http",
            $":http,url='http://{origin.Address}:{origin.Port}/':", "--addr", $"127.0.0.1:{port}", "--config", "",
            "--cache-dir", lab["rclone"], "--vfs-cache-mode", "full", "--vfs-read-chunk-size", "64M",
            "--vfs-read-ahead", "128M", "--buffer-size", "64M", "--no-checksum", "--no-modtime", "--read-only",
            "--log-level", "ERROR");
        return Turn.Of(rclone, one => Clients.WholeByCurls(one, 1, sizeBytes));
    }
}
