using Microsoft.Extensions.Logging;

namespace Thaw.Origins.Layers;

internal sealed partial class RetryingOrigin
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Attempt {Attempt} failed: {Message}")]
    private static partial void AttemptFailed(ILogger logger, int attempt, string message);
}
