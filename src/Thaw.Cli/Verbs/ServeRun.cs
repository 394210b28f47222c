using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Daemon;
using Thaw.Daemon.Checks;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli.Verbs;

/// <summary>
/// One run of a node in the foreground: start, reload on SIGHUP or when the file changes, drain when asked to stop. A
/// bad file never replaces a good configuration.
/// </summary>
internal sealed partial class ServeRun(Terminal terminal, ILoggerFactory loggers, string? file, bool json)
{
    private readonly ILogger _log = loggers.CreateLogger<ServeRun>();
    private ThawConfig? _config;

    /// <summary>Runs until <paramref name="stop"/>.</summary>
    public async Task<int> RunAsync(ThawConfig config, CancellationToken stop)
    {
        _config = config;
        if (Doctor.FindRefusal() is { } refusal)
            return terminal.Fail(new CliFailure(ExitCode.Failed, refusal));
        if (config.Mounts.IsEmpty)
            LogNoMounts();
        Node node;
        try
        {
            node = await Node.StartAsync(config, null, loggers, stop);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException)
        {
            return terminal.Fail(new CliFailure(ExitCode.Failed, Explain(exception, config)));
        }

        await using (node)
        {
            Announce(node, config);
            await ReloadUntilStoppedAsync(node, stop);
            var drain = _config.Node.Drain;
            LogDraining(drain);
            await node.StopAsync(drain);
        }

        return ExitCode.Done;
    }

    private static string Explain(Exception exception, ThawConfig config)
    {
        var listeners = $"s3.listen {config.S3.Listen} or control.listen {config.Control.Listen}";
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
                return $"{listeners} is in use by another process; stop that one, or listen elsewhere "
                    + $"({exception.Message.TrimEnd('.')}).";
            if (inner is SocketException
                { SocketErrorCode: SocketError.AddressNotAvailable or SocketError.AccessDenied } socket)
                return $"{listeners} cannot be listened on: {socket.Message.TrimEnd('.')}; choose an address and port "
                    + "of this host.";
        }

        return $"the node cannot start: {exception.Message}";
    }

    private void Announce(Node node, ThawConfig config)
    {
        var report = new ServeReport(config.Node.Name, $"http://{node.S3}", $"http://{node.Control}");
        if (json)
            terminal.WriteJson(report, CliJson.Default.ServeReport);
        else
            terminal.Out.WriteLine($"node {report.Node} is ready: S3 {report.S3}, control {report.Control}");
        terminal.Out.Flush();
    }

    private async Task ReloadUntilStoppedAsync(Node node, CancellationToken stop)
    {
        var asked =
            Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            asked.Writer.TryWrite(true);
        });
        var seen = await ReadTextAsync();
        try
        {
            while (true)
            {
                var signalled = await WaitAsync(asked.Reader, stop);
                var text = await ReadTextAsync();
                if (!signalled && (text is null || text == seen))
                    continue;
                seen = text ?? seen;
                await ReloadAsync(node, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            LogStopping();
        }
    }

    // True for a signal, false when it is time to look at the file.
    private async Task<bool> WaitAsync(ChannelReader<bool> asked, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Limits.ConfigPoll);
        try
        {
            return await asked.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task ReloadAsync(Node node, CancellationToken stop)
    {
        if (file is null)
        {
            LogNoFile();
            return;
        }

        var reading = await ConfigReader.ReadFileAsync(file, stop);
        if (reading.Config is not { } config)
        {
            foreach (var error in reading.Errors)
                LogBadConfig(error.ToString());
            LogKept(file, reading.Errors.Length);
            return;
        }

        var restart = await node.ReloadAsync(config);
        _config = _config! with { Node = _config.Node with { Drain = config.Node.Drain } };
        if (restart.IsEmpty)
            LogReloaded(file);
        else
            LogNeedsRestart(file, string.Join(", ", restart));
    }

    // Compared by its text: editors and mounted maps replace files in ways that time stamps do not show.
    private async Task<string?> ReadTextAsync()
    {
        try
        {
            return file is null || new FileInfo(file).Length > Limits.ConfigBytes
                ? null : await File.ReadAllTextAsync(file, Encoding.UTF8, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(exception.Message);
            return null;
        }
    }
}
