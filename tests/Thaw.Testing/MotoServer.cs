using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Thaw.Testing;

/// <summary>
/// moto's S3 server in a process of its own, on a free port of 127.0.0.1: a real second implementation for small
/// objects. Any credentials are good. Started once for a test class.
/// </summary>
public sealed class MotoServer : IAsyncDisposable
{
    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task _output;

    private MotoServer(Process process, Uri endpoint, Task output) => (_process, Endpoint, _output) = (process, endpoint, output);

    /// <summary>Where it listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>Starts the server and waits until it answers.</summary>
    public static async Task<MotoServer> StartAsync()
    {
        var port = FreePort();
        var process = Process.Start(new ProcessStartInfo("moto_server", ["-H", "127.0.0.1", "-p", $"{port}"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        }) ?? throw new InvalidOperationException("moto_server did not start.");
        var output = Task.WhenAll(
            process.StandardOutput.BaseStream.CopyToAsync(Stream.Null), process.StandardError.BaseStream.CopyToAsync(Stream.Null));
        var server = new MotoServer(process, new Uri($"http://127.0.0.1:{port}"), output);
        await server.WaitUntilUpAsync();
        return server;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _output;
        _process.Dispose();
    }

    private async Task WaitUntilUpAsync()
    {
        using var http = new HttpClient { Timeout = StartsWithin };
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(Endpoint, "/moto-api/"));
                return;
            }
            catch (HttpRequestException e)
            {
                if (_process.HasExited)
                    throw new InvalidOperationException($"moto_server ended with {_process.ExitCode} while starting.", e);
                if (watch.Elapsed > StartsWithin)
                    throw new TimeoutException($"moto_server (process {_process.Id}) does not answer at {Endpoint}.", e);
                await Task.Delay(50);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
