using System.Net;
using System.Net.Http.Headers;
using Thaw.Core;
using Thaw.Core.Units;

namespace Thaw.Cli.Pulling;

/// <summary>
/// Ranged GETs from an S3 endpoint, unsigned and path style. Transient failures are tried again. Any thread.
/// </summary>
internal sealed class S3Source : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _endpoint;
    private readonly TimeProvider _clock;

    /// <summary>Names an endpoint; nothing is sent yet.</summary>
    public S3Source(Uri endpoint, TimeProvider clock)
    {
        (_endpoint, _clock) = (endpoint, clock);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = Limits.OriginConnect,
            AutomaticDecompression = DecompressionMethods.None,
            MaxConnectionsPerServer = Limits.PullConnections,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Fills the buffer with the bytes from <paramref name="offset"/> on; null when it is full.</summary>
    /// <param name="bucket">Bucket.</param>
    /// <param name="key">Key.</param>
    /// <param name="etag">The version that has to answer; null: any.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="buffer">As long as the range.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    public async Task<CliFailure?> ReadAsync(
        string bucket, string key, string? etag, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var backoff = Limits.PullBackoff;
        for (var attempt = 1; ; attempt++)
        {
            var (failure, again) = await TryReadAsync(bucket, key, etag, offset, buffer, cancellationToken);
            if (failure is null || !again || attempt == Limits.PullAttempts)
                return failure;
            await Task.Delay(backoff, _clock, cancellationToken);
            backoff *= 2;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private async Task<(CliFailure? Failure, bool Again)> TryReadAsync(
        string bucket, string key, string? etag, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limits.PullPart);
        using var request = new HttpRequestMessage(HttpMethod.Get, Url(bucket, key));
        request.Headers.Range = new RangeHeaderValue(offset, offset + buffer.Length - 1);
        if (etag is not null)
            request.Headers.TryAddWithoutValidation("If-Match", etag);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (Refuse(response, key, etag, offset, buffer.Length) is { } refused)
                return refused;
            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            await body.ReadExactlyAsync(buffer, limit.Token);
            return default;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return (new CliFailure(ExitCode.Failed,
                $"{key} cannot be read from {_endpoint} ({exception.Message}); run it again, it goes on where it "
                    + "stopped."), true);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (new CliFailure(ExitCode.Failed,
                $"{new ByteSize(buffer.Length)} of {key} took longer than {Limits.PullPart.TotalSeconds:0} s from "
                    + $"{_endpoint}; run it again, it goes on where it stopped."), true);
        }
    }

    // Conditions and ranges are compared here too: a server may ignore them.
    private (CliFailure, bool)? Refuse(HttpResponseMessage response, string key, string? etag, long offset, int length)
    {
        if (response.StatusCode == HttpStatusCode.PreconditionFailed
            || (response.IsSuccessStatusCode && etag is not null && response.Headers.ETag?.ToString() != etag))
            return (new CliFailure(ExitCode.Failed,
                $"{key} has changed while it was copied; run it again to copy the new version."), false);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return (new CliFailure(
                ExitCode.NotFound, $"{key} is not at {_endpoint} any more; list it again with \"thaw ls\"."), false);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            return (new CliFailure(ExitCode.NotAuthorised,
                $"{_endpoint} refuses {key} ({(int)response.StatusCode}); check the mount's credentials."), false);
        var range = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.PartialContent && range?.From == offset
            && range.To == offset + length - 1)
            return null;
        var again = (int)response.StatusCode >= 500 || response.StatusCode == HttpStatusCode.TooManyRequests;
        return (new CliFailure(ExitCode.Failed,
            $"{_endpoint} answers {(int)response.StatusCode} for bytes {offset}-{offset + length - 1} of {key}; look "
                + "at the node's log."), again);
    }

    private Uri Url(string bucket, string key) =>
        new(_endpoint, $"/{bucket}/{string.Join('/', key.Split('/').Select(Uri.EscapeDataString))}");
}
