using System.Text;
using Thaw.Core;

namespace Thaw.Daemon.Configuration;

/// <summary>
/// Reads a configuration: every option is checked against <see cref="OptionTable"/>, then the options against each
/// other; all errors are told at once. No text makes it throw.
/// </summary>
public static class ConfigReader
{
    /// <summary>Reads the text of a configuration file. An empty text is a configuration of defaults.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="fileName">The file's name, for the errors.</param>
    public static ConfigReading Read(string yaml, string fileName)
    {
        var values = new ConfigValues(fileName);
        if (yaml.Length > Limits.ConfigBytes)
            values.Report(
                0, "", $"the file is larger than {Limits.ConfigBytes >> 20} MiB; this cannot be a configuration.");
        else
            AddDocument(YamlTree.Read(yaml, values.Report), values);
        return ConfigBinder.Bind(values);
    }

    /// <summary>Reads a configuration file; a file that cannot be read is an error like any other.</summary>
    public static async Task<ConfigReading> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var length = new FileInfo(path).Length;
            if (length > Limits.ConfigBytes)
                return Refuse(
                    path, $"the file is larger than {Limits.ConfigBytes >> 20} MiB; this cannot be a configuration.");
            return Read(await File.ReadAllTextAsync(path, Encoding.UTF8, cancellationToken), path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Refuse(path, "there is no such file; name one with --config.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Refuse(path, $"the file cannot be read: {exception.Message}");
        }
    }

    private static ConfigReading Refuse(string path, string sentence) =>
        new(null, [new ConfigError(path, 0, "", sentence)]);

    private static void AddDocument(YamlValue? root, ConfigValues values)
    {
        if (root is YamlMap map)
            values.AddGroup(map, "", "");
        else if (root is not (null or YamlScalar { IsNull: true }))
            values.Report(root.Line, "", $"the file holds {root.Kind}; write options, such as mounts: [...].");
    }
}
