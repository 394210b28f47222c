using Microsoft.Extensions.Logging;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Recovery;

namespace Thaw.Storage.Versions;

/// <summary>Log messages of one disk.</summary>
internal sealed partial class DiskStoreLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(
        Level = LogLevel.Information, Message = "Cache directory {Root} opened; the last run ended: {Previous}")]
    public partial void Opened(string root, PreviousRun previous);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Cache directory {Root} scanned: {Versions} versions, {Bytes} bytes, {Removed} leftovers removed")]
    public partial void Scanned(string root, int versions, long bytes, int removed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The disk of {Root} is {State} now")]
    public partial void Changed(string root, DiskState state);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Id} on {Root} is damaged and will be fetched again")]
    public partial void Damaged(ContentId id, string root);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Id} on {Root} cannot be written")]
    public partial void CannotWrite(ContentId id, string root, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Id} on {Root} cannot be read")]
    public partial void CannotRead(ContentId id, string root, Exception error);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Version {Id} on {Root} could not be made durable; what was written since the last batch is dropped")]
    public partial void CannotSync(ContentId id, string root, Exception error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Version {Id} evicted from {Root}: {Bytes} bytes")]
    public partial void Evicted(ContentId id, long bytes, string root);

    [LoggerMessage(
        Level = LogLevel.Warning, Message = "The start-up scan of {Root} failed; its accounts may be too low")]
    public partial void ScanFailed(string root, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The start-up scan passes over {Path}")]
    public partial void ScanSkipped(string path, Exception error);
}
