using System.Diagnostics;
using System.Text;
using Thaw.Testing;

namespace Thaw.Conformance.Servers;

/// <summary>The image of the published binary, built in a store of its own, and one container of it.</summary>
internal sealed class ContainerImage : IAsyncDisposable
{
    private const string Tag = "localhost/thaw-test";
    private const string Container = "thaw-test";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string?> _environment;

    private ContainerImage()
    {
        var settings = _folder.Write("storage.conf",
            $"[storage]\ndriver = \"vfs\"\ngraphroot = \"{_folder["graph"]}\"\nrunroot = \"{_folder["run"]}\"\n");
        _environment = new() { ["CONTAINERS_STORAGE_CONF"] = settings, ["STORAGE_DRIVER"] = "vfs" };
    }

    /// <summary>Where the container's files are.</summary>
    public string Root { get; private set; } = "";

    /// <summary>A directory that is <c>/etc/thaw</c> in the container.</summary>
    public string Settings => _folder["etc"];

    /// <summary>Builds the image and makes the container.</summary>
    public static async Task<ContainerImage> BuildAsync(CancellationToken cancellationToken)
    {
        var image = new ContainerImage();
        try
        {
            Directory.CreateDirectory(image.Settings);
            Directory.CreateDirectory(image._folder["cache"]);
            await image.RunAsync(Path.Combine(Places.Root, "deploy", "image"), [Tag], cancellationToken);
            await image.RunAsync("buildah", ["from", "--name", Container, Tag], cancellationToken);
            image.Root = (await image.RunAsync("buildah", ["mount", Container], cancellationToken)).Trim();
            return image;
        }
        catch
        {
            await image.DisposeAsync();
            throw;
        }
    }

    /// <summary>The image's configuration, as JSON.</summary>
    public Task<string> InspectAsync(CancellationToken cancellationToken) =>
        RunAsync("buildah", ["inspect", "--type", "image", Tag], cancellationToken);

    /// <summary>
    /// Runs <c>thaw serve</c> inside until its input closes or the result is disposed.
    /// </summary>
    /// <param name="roots">A file that takes the place of the image's certificate authorities.</param>
    public ContainerRun Serve(string? roots)
    {
        List<string> arguments =
        [
            "run", "--isolation", "chroot", "--volume", $"{Settings}:/etc/thaw:ro",
            "--volume", $"{_folder["cache"]}:/var/lib/thaw",
        ];
        if (roots is not null)
            arguments.AddRange(["--volume", $"{roots}:/etc/ssl/certs/ca-certificates.crt:ro"]);
        arguments.AddRange(
            [Container, "--", "/usr/bin/thaw", "serve", "--config", "/etc/thaw/thaw.yaml", "--until-stdin-closes"]);
        return new ContainerRun(Command.StartInfo("buildah", arguments, _environment));
    }

    public async ValueTask DisposeAsync()
    {
        await new Command("buildah", "rm", "--all") { Environment = _environment }.TryRunAsync(CancellationToken.None);
        _folder.Dispose();
    }

    private Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        new Command(program, arguments) { Environment = _environment, Limit = Limit }.RunAsync(cancellationToken);
}

/// <summary>A node inside of a container.</summary>
internal sealed class ContainerRun : IDisposable
{
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);
    private readonly StringBuilder _log = new();
    private readonly Process _process;

    public ContainerRun(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Closes the node's input, on which it stops; its exit code.</summary>
    public async Task<int> EndAsync(CancellationToken cancellationToken)
    {
        _process.StandardInput.Close();
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(EndLimit);
        await _process.WaitForExitAsync(limited.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Add(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }
}
