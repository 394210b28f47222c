using System.Globalization;

namespace Thaw.Posix.Mounting;

/// <summary>One line of <c>/proc/self/mountinfo</c> (proc(5)).</summary>
/// <param name="Device">Major and minor: <c>0:52</c>.</param>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Type">Type of the file system.</param>
/// <param name="Options">Options of this mount.</param>
internal sealed record MountLine(string Device, string Path, string Type, string Options)
{
    /// <summary>Type of Thaw's mounts.</summary>
    public const string ThawType = "fuse.thaw";

    /// <summary>The topmost mount at a path, or null. Never looks at the path itself, which may be dead.</summary>
    public static MountLine? At(string path) => Parse(File.ReadAllText("/proc/self/mountinfo"))
        .LastOrDefault(mount => mount.Path == path);

    internal static IEnumerable<MountLine> Parse(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-");
            if (separator >= 6 && fields.Length > separator + 1)
                yield return new MountLine(fields[2], Unescape(fields[4]), fields[separator + 1], fields[5]);
        }
    }

    /// <summary>Spaces, tabs, line feeds and backslashes are written as three octal digits.</summary>
    private static string Unescape(string path)
    {
        if (!path.Contains('\\', StringComparison.Ordinal))
            return path;
        var bytes = new List<byte>();
        var source = System.Text.Encoding.UTF8.GetBytes(path);
        for (var index = 0; index < source.Length; index++)
        {
            if (source[index] == '\\' && index + 3 < source.Length)
            {
                var digits = source.AsSpan(index + 1, 3);
                bytes.Add((byte)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0'));
                index += 3;
            }
            else
            {
                bytes.Add(source[index]);
            }
        }

        return System.Text.Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The minor number, which names the connection below <c>/sys/fs/fuse/connections</c>.</summary>
    public int Minor => int.Parse(Device.Split(':')[1], CultureInfo.InvariantCulture);
}
