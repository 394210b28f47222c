using Microsoft.Win32.SafeHandles;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Origins.Directory;

/// <summary>
/// One range of one open file. The file is stat'ed after every read, before the bytes are handed on: bytes that may be
/// of another version are never answered as this one's. Used by one reader at a time.
/// </summary>
internal sealed class DirectoryBody(SafeFileHandle file, FileStamp stamp, OriginRead read, string where) : IOriginBody
{
    private long _position = read.Range.Start;

    /// <inheritdoc />
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var left = read.Range.End - _position;
        if (left == 0 || destination.IsEmpty)
            return 0;
        if (destination.Length > left)
            destination = destination[..(int)left];
        int count;
        try
        {
            count = await RandomAccess.ReadAsync(file, destination, _position, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            return new Failure(FailureKind.OriginUnavailable,
                $"Reading {read.Key} below {where} failed (error {e.HResult & 0xffff}).", RetryAdvice.Later);
        }

        if (Libc.Stat((int)file.DangerousGetHandle(), out var now) != 0 || FileStamp.From(in now) != stamp
            || count == 0)
            return DirectoryFailures.Changed(read.Key, where);
        _position += count;
        return count;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        file.Dispose();
        return ValueTask.CompletedTask;
    }
}
