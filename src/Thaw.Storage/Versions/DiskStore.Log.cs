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

    [LoggerMessage(Level = LogLevel.Error,
        Message = "The disk of {Root} cannot be used and is tried again every few seconds: {Reason}")]
    public partial void NotOpened(string root, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The disk of {Root} is {State} now")]
    public partial void Changed(string root, DiskState state);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Version {Id} on {Root} is damaged and will be fetched again")]
    public partial void Damaged(ContentId id, string root);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Id} on {Root} cannot be written: {Reason}")]
    private partial void CannotWrite(ContentId id, string root, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Version {Id} on {Root} cannot be read: {Reason}")]
    private partial void CannotRead(ContentId id, string root, string reason);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Version {Id} on {Root} could not be made durable, what was written since the last batch is dropped: "
            + "{Reason}")]
    private partial void CannotSync(ContentId id, string root, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Version {Id} evicted from {Root}: {Bytes} bytes")]
    public partial void Evicted(ContentId id, long bytes, string root);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "What is known of uses of {Root} cannot be read or written; a restart may forget what is warm")]
    public partial void NotesFailed(string root, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "Room cannot be made on {Root}")]
    public partial void EvictionFailed(string root, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The start-up scan of {Root} failed, its accounts may be too low: {Reason}")]
    private partial void ScanFailed(string root, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The start-up scan passes over {Path}: {Reason}")]
    private partial void ScanSkipped(string path, string reason);

    // Disks fail: an operator needs to know which and how, not where in the code it was seen.
    public void CannotWrite(ContentId id, string root, Exception error) => CannotWrite(id, root, error.Message);

    public void CannotRead(ContentId id, string root, Exception error) => CannotRead(id, root, error.Message);

    public void CannotSync(ContentId id, string root, Exception error) => CannotSync(id, root, error.Message);

    public void ScanFailed(string root, Exception error) => ScanFailed(root, error.Message);

    public void ScanSkipped(string path, Exception error) => ScanSkipped(path, error.Message);
}
