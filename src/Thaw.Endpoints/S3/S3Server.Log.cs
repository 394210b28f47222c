using Microsoft.Extensions.Logging;

namespace Thaw.Endpoints.S3;

public sealed partial class S3Server
{
    internal static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The S3 endpoint listens on {EndPoint}.")]
        public static partial void Listening(ILogger logger, System.Net.IPEndPoint endPoint);

        [LoggerMessage(
            2, LogLevel.Warning, "The answer for {Path} was cut {MissingBytes} bytes before its end: {Reason}")]
        public static partial void BodyCut(ILogger logger, string path, long missingBytes, string reason);

        [LoggerMessage(3, LogLevel.Error, "Request {RequestId} ({Method}) met a bug.")]
        public static partial void Bug(ILogger logger, Exception error, string method, string requestId);
    }
}
