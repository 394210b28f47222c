using Microsoft.Extensions.Logging;

namespace Thaw.Endpoints.Control;

public sealed partial class ControlServer
{
    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The control endpoint listens on {EndPoint}.")]
        public static partial void Listening(ILogger logger, System.Net.IPEndPoint endPoint);

        [LoggerMessage(2, LogLevel.Error, "{Method} {Path} met a bug.")]
        public static partial void Bug(ILogger logger, Exception error, string method, string path);
    }
}
