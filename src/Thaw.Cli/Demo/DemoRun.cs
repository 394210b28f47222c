using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Cli.Progress;
using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Units;
using Thaw.Daemon;

namespace Thaw.Cli.Demo;

/// <summary>What the demo is asked for.</summary>
internal sealed record DemoOptions(bool Once, bool Json, string? Model, long SizeBytes, int Shards);

/// <summary>
/// The demo: an origin that is slow like a far object store, a cluster of three nodes, a reader on each; direct, cold,
/// warm. The origin is a node without disks in this process, slowed down; each measured node is a process of its own.
/// </summary>
internal sealed class DemoRun(Terminal terminal, DemoOptions options)
{
    private const int Readers = DemoCluster.Size;
    private const string Bucket = "models";
    private static readonly S3Throttle Throttle = new(200_000_000, TimeSpan.FromMilliseconds(30));
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(2);

    private long _readBytes;

    /// <summary>Runs the demo; 0 when everything is as it should be.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var place = DemoPlace.Create();
        if (CheckSpace(place.Root) is { } noSpace)
            return terminal.Fail(noSpace);
        Say($"making the model below {place.Root}");
        var directory = options.Model is null ? Path.Combine(place.Root, "model") : Path.GetFullPath(options.Model);
        var files = options.Model is null
            ? await ModelWriter.WriteAsync(directory, options.SizeBytes, options.Shards, cancellationToken)
            : await ModelWriter.ReadAsync(directory, cancellationToken);
        if (files.Count == 0)
            return terminal.Fail(new CliFailure(
                ExitCode.Usage, $"there are no files in {directory}; name a model's directory with --model."));
        await using var origin = await StartOriginAsync(directory, cancellationToken);
        try
        {
            var endpoint = new Uri($"http://{origin.S3}");
            var started = await DemoCluster.StartAsync(
                new(place.Root, Bucket, endpoint, files.Sum(file => file.Bytes), UsualPorts: !options.Once),
                cancellationToken);
            if (started.Value is null)
                return terminal.Fail(started.Failure!);
            await using var cluster = started.Value;
            return await MeasureAsync(files, endpoint, cluster, cancellationToken);
        }
        finally
        {
            await origin.StopAsync(Drain);
        }
    }

    private async Task<int> MeasureAsync(
        IReadOnlyList<ModelFile> files, Uri origin, DemoCluster cluster, CancellationToken cancellationToken)
    {
        var match = true;
        var seconds = new double[3];
        var nodes = cluster.Nodes.Select(node => new Uri(node.Report.S3)).ToArray();
        var phases = new (string Name, Uri[] Endpoints)[] { ("direct", [origin]), ("cold", nodes), ("warm", nodes) };
        for (var phase = 0; phase < phases.Length; phase++)
        {
            var started = terminal.Clock.GetTimestamp();
            var reply = await ReadAllAsync(phases[phase].Name, phases[phase].Endpoints, files, cancellationToken);
            if (reply.Failure is { } failure)
                return terminal.Fail(
                    failure with { Sentence = $"{phases[phase].Name} run: {failure.Sentence} {cluster.LastLines()}" });
            match &= reply.Value;
            seconds[phase] = terminal.Clock.GetElapsedTime(started).TotalSeconds;
        }

        using var client = new NodeClient(new Uri(cluster.Nodes[0].Report.Control), null);
        var stats = await client.GetClusterStatsAsync(cancellationToken);
        if (stats.Value is null)
            return terminal.Fail(stats.Failure!);
        var report = new DemoMeasure(files, match, seconds[0], seconds[1], seconds[2])
            .Judge(stats.Value, nodes.Length, Readers, Throttle);
        if (options.Json)
            terminal.WriteJson(report, CliJson.Default.DemoReport);
        else
            WriteText(report);
        foreach (var failure in report.Failures)
            terminal.Fail(new CliFailure(ExitCode.Failed, failure));
        if (!options.Once)
            await StayAsync(cluster, cancellationToken);
        return report.Ok ? ExitCode.Done : ExitCode.Failed;
    }

    private async Task<Reply<bool>> ReadAllAsync(
        string phase, Uri[] endpoints, IReadOnlyList<ModelFile> files, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _readBytes, 0);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var progress = ShowAsync(phase, files.Sum(file => file.Bytes) * Readers, ended.Token);
        try
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, Readers).Select(reader => Task.Run(
                () => new ModelReader(
                    endpoints[reader % endpoints.Length], Bucket, terminal.Clock,
                    bytes => Interlocked.Add(ref _readBytes, bytes)).ReadAsync(files, cancellationToken),
                cancellationToken)));
            return replies.FirstOrDefault(reply => reply.Failure is not null) is { Failure: { } failure }
                ? failure : replies.All(reply => reply.Value);
        }
        finally
        {
            await ended.CancelAsync();
            await progress;
        }
    }

    private async Task ShowAsync(string phase, long totalBytes, CancellationToken ended)
    {
        var view = new ProgressView(terminal, $"{phase}, {Readers} readers", options.Json);
        while (!ended.IsCancellationRequested)
        {
            view.Show(Volatile.Read(ref _readBytes), totalBytes, []);
            await Task.Delay(Limits.JobPoll, terminal.Clock, ended)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        view.Show(Volatile.Read(ref _readBytes), totalBytes, []);
        view.End();
    }

    private static Task<Node> StartOriginAsync(string directory, CancellationToken cancellationToken)
    {
        var free = new IPEndPoint(IPAddress.Loopback, 0);
        var config = new ThawConfig
        {
            Node = new NodeConfig { Name = "demo-origin", Drain = Drain },
            Cache = new CacheConfig { Memory = new ByteSize(128L << 20) },
            Mounts =
            [
                new MountConfig
                {
                    Name = Bucket, Bucket = Bucket, Origin = $"file://{directory}", Scheme = OriginScheme.File,
                    OriginBucket = "", OriginPrefix = directory,
                },
            ],
            S3 = new S3Config { Listen = free },
            Control = new ControlConfig { Listen = free },
        };
        return Node.StartAsync(
            config, new NodeOptions { S3Throttle = Throttle }, NullLoggerFactory.Instance, cancellationToken);
    }

    private CliFailure? CheckSpace(string place)
    {
        var needed = (options.Model is null ? options.SizeBytes : 0)
            + DemoCluster.Size * (options.SizeBytes + options.SizeBytes / 16);
        var free = new DriveInfo(place).AvailableFreeSpace;
        return free >= needed ? null : new CliFailure(ExitCode.Failed,
            $"{place} has {new ByteSize(free)} free and the demo needs {new ByteSize(needed)}; "
            + "set TMPDIR to a larger disk, or ask for less with --size.");
    }

    private void Say(string sentence)
    {
        if (!options.Json)
            terminal.Error.WriteLine(sentence);
    }

    private void WriteText(DemoReport report)
    {
        terminal.Out.WriteLine($"{report.Nodes} nodes; {Readers} readers at once, one for each node; the origin gives "
            + $"{report.OriginBytesPerSecond / 1_000_000} MB/s in all.");
        string[] Row(string name, double seconds) =>
        [
            name, Duration.Round(TimeSpan.FromSeconds(seconds)),
            $"{new ByteSize((long)(report.ModelBytes * Readers / seconds))}/s",
            string.Create(CultureInfo.InvariantCulture, $"{report.DirectSeconds / seconds:0.0}x"),
        ];
        terminal.WriteTable(["RUN", "TIME", "RATE", "AGAINST DIRECT"],
            [Row("direct", report.DirectSeconds), Row("cold", report.ColdSeconds), Row("warm", report.WarmSeconds)]);
        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"origin bytes / model bytes: {(double)report.OriginBytes / report.ModelBytes:0.000}, hit ratio "
                + $"{report.HitRatio:0.000}, egress saved {new ByteSize(report.EgressSavedBytes)}"));
        terminal.Out.WriteLine(
            $"sha256 of every file and reader: {(report.Sha256Match ? "matches the origin" : "DOES NOT MATCH")}");
    }

    private async Task StayAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        foreach (var node in cluster.Nodes)
            Say($"{node.Report.Node}: S3 {node.Report.S3}, control {node.Report.Control}");
        Say("Ctrl-C ends the demo.");
        await Task.Delay(Timeout.InfiniteTimeSpan, terminal.Clock, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
