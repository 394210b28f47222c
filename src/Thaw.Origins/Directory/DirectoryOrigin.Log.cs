using Microsoft.Extensions.Logging;

namespace Thaw.Origins.Directory;

internal sealed partial class DirectoryOrigin
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Origin}: a name in directory '{Directory}' is no valid UTF-8 (bytes {Name}) and is left out; "
            + "{Count} so far")]
    private static partial void NameSkipped(ILogger logger, string origin, string directory, string name, long count);
}
