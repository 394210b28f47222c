using System.Collections.Immutable;
using Thaw.Core.Configuration;

namespace Thaw.Daemon.Configuration;

/// <summary>One thing that is wrong with a configuration.</summary>
/// <param name="File">The file's name as given, or <c>environment</c>.</param>
/// <param name="Line">Line in the file, from 1; 0 when no line can be named.</param>
/// <param name="Key">The option, such as <c>mounts[0].origin</c>; empty for the file as a whole.</param>
/// <param name="Sentence">What is wrong and what to do.</param>
public sealed record ConfigError(string File, int Line, string Key, string Sentence)
{
    /// <inheritdoc />
    public override string ToString()
    {
        var where = Line > 0 ? $"{File}:{Line}" : File;
        return Key.Length > 0 ? $"{where}: {Key}: {Sentence}" : $"{where}: {Sentence}";
    }
}

/// <summary>A configuration, or everything that is wrong with it.</summary>
/// <param name="Config">The configuration; null when there are errors.</param>
/// <param name="Errors">All errors, in order of lines.</param>
public sealed record ConfigReading(ThawConfig? Config, ImmutableArray<ConfigError> Errors);
