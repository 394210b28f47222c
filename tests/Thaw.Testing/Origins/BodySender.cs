using Microsoft.AspNetCore.Http;

namespace Thaw.Testing.Origins;

/// <summary>Sends the body of one answer, as far and as fast as its fault lets it.</summary>
internal sealed class BodySender(
    FaultyOrigin origin, HttpContext context, OriginRequest request, Fault fault, FakeObject found)
{
    private const int PieceBytes = 256 << 10;

    private readonly SharedBandwidth? _own = fault.BytesPerSecond is { } rate ? new SharedBandwidth(rate) : null;
    private FakeContent _content = found.Content;
    private bool _isChanged;

    public async Task SendAsync(long start, long end)
    {
        var gone = context.RequestAborted;
        var length = end - start;
        var most = Math.Min(fault.TruncateAfter ?? long.MaxValue,
            Math.Min(fault.ResetAfter ?? long.MaxValue, fault.StallAfter ?? long.MaxValue));
        var due = Math.Min(length + fault.SendExtra, most);
        for (long sent = 0; sent < due;)
        {
            var count = PieceLength(sent, due);
            Fill(start + sent, end, sent, context.Response.BodyWriter.GetMemory(count).Span[..count]);
            context.Response.BodyWriter.Advance(count);
            request.AddSent(count);
            sent += count;
            await context.Response.BodyWriter.FlushAsync(gone);
            gone.ThrowIfCancellationRequested();
            if (_own is not null)
                await _own.SendAsync(count, gone);
            if (origin.Bandwidth is { } shared)
                await shared.SendAsync(count, gone);
        }

        if (due == 0)
            await context.Response.BodyWriter.FlushAsync(gone);
        if (fault.StallAfter is not null)
            await Task.Delay(Timeout.InfiniteTimeSpan, gone);
        if (fault.ResetAfter is not null)
            context.Abort();
        // A truncated answer ends here: the server sees that bytes are missing and closes the connection.
    }

    /// <summary>Pieces end where the object changes, and are short where a cap should look even.</summary>
    private int PieceLength(long sent, long due)
    {
        var most = _own is null && origin.Bandwidth is null ? PieceBytes : PieceBytes / 4;
        if (fault.Change is { } change && sent < change.After)
            most = (int)Math.Min(most, change.After - sent);
        return (int)Math.Min(most, due - sent);
    }

    private void Fill(long offset, long end, long sent, Span<byte> piece)
    {
        if (fault.Change is { } change && sent >= change.After && !_isChanged)
        {
            _isChanged = true;
            _content = origin.Put(found.Bucket, found.Key, change.Content).Content;
        }

        // Beyond the range or the changed object's end there is rubbish.
        var inside = (int)Math.Clamp(Math.Min(end, _content.SizeBytes) - offset, 0, piece.Length);
        _content.Read(inside == 0 ? 0 : offset, piece[..inside]);
        piece[inside..].Fill(0xEE);
        if (fault.FlipBitAt is { } at && at >= sent && at < sent + piece.Length)
            piece[(int)(at - sent)] ^= 1;
    }
}
