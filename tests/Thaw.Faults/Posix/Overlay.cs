using Thaw.Testing;

namespace Thaw.Faults.Posix;

/// <summary>
/// A directory on an overlay, as a container's own files are: the kernel refuses passthrough to them. Unmounted when
/// disposed. Needs root.
/// </summary>
internal sealed class Overlay : IAsyncDisposable
{
    private readonly TempFolder _folder = new();

    private Overlay()
    {
    }

    public string Path => _folder["merged"];

    public static async Task<Overlay> MakeAsync(CancellationToken cancellationToken)
    {
        var overlay = new Overlay();
        foreach (var name in (string[])["lower", "upper", "work", "merged"])
            Directory.CreateDirectory(overlay._folder[name]);
        var layers = string.Join(',', $"lowerdir={overlay._folder["lower"]}", $"upperdir={overlay._folder["upper"]}",
            $"workdir={overlay._folder["work"]}");
        await new Command("mount", "-t", "overlay", "overlay", "-o", layers, overlay.Path).RunAsync(cancellationToken);
        return overlay;
    }

    public async ValueTask DisposeAsync()
    {
        await new Command("umount", "--lazy", Path).TryRunAsync(CancellationToken.None);
        _folder.Dispose();
    }
}
