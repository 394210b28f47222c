using System.Globalization;
using System.Net;
using Thaw.Core.Chunks;
using Thaw.Testing;

namespace Thaw.Tests.Cache;

/// <summary>A random GET or HEAD, and the judge of its answer.</summary>
internal sealed class MixRequest
{
    private const string Rubbish = "\"no such tag\"";

    private readonly bool _isHead;
    private readonly string? _range;
    private readonly string? _ifMatch;
    private readonly string? _ifNoneMatch;
    private readonly DateTimeOffset? _ifModifiedSince;

    public MixRequest(string key, IReadOnlyList<FakeObject?> versions, Random random)
    {
        Key = key;
        _isHead = random.Next(8) == 0;
        var known = versions.OfType<FakeObject>().ToArray();
        var one = known.Length == 0 ? null : known[Math.Max(known.Length - 1 - random.Next(3), 0)];
        _range = random.Next(3) == 0 ? null : RangeOf(one?.Content.SizeBytes ?? 1, random);
        var etag = one is null || random.Next(4) == 0 ? Rubbish : one.ETag;
        switch (random.Next(10))
        {
            case 0:
                _ifMatch = etag;
                break;
            case 1:
                _ifNoneMatch = etag;
                break;
            case 2:
                _ifModifiedSince = one?.Options.LastModified;
                break;
        }
    }

    /// <summary>A plain GET.</summary>
    public MixRequest(string key) => Key = key;

    public string Key { get; }

    public HttpRequestMessage ToMessage(Uri server)
    {
        var method = _isHead ? HttpMethod.Head : HttpMethod.Get;
        var message = new HttpRequestMessage(method, new Uri(server, "/models/" + Key));
        Add("Range", _range);
        Add("If-Match", _ifMatch);
        Add("If-None-Match", _ifNoneMatch);
        Add("If-Modified-Since", _ifModifiedSince?.ToString("R", CultureInfo.InvariantCulture));
        return message;

        void Add(string name, string? value)
        {
            if (value is not null)
                message.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Null if the answer is right for one of these versions; else what is wrong with it.</summary>
    /// <param name="versions">What may be seen; null: no object.</param>
    /// <param name="answer">Status and headers.</param>
    /// <param name="body">Its whole body; an answer that broke off has none to judge.</param>
    public string? Judge(IReadOnlyList<FakeObject?> versions, HttpResponseMessage answer, byte[] body)
    {
        var reasons = versions.Select(version => Judge(version, answer, body)).ToArray();
        return reasons.Contains(null) ? null : string.Join(" | ", reasons.Append("no version could be seen"));
    }

    public override string ToString() =>
        $"{(_isHead ? "HEAD" : "GET")} {Key} Range={_range} If-Match={_ifMatch} If-None-Match={_ifNoneMatch} "
        + $"If-Modified-Since={_ifModifiedSince:O}";

    private string? Judge(FakeObject? version, HttpResponseMessage answer, byte[] body)
    {
        var due = StatusOf(version, out var start, out var length);
        if (answer.StatusCode != due)
            return $"{version?.ETag ?? "none"}: {(int)due} was due";
        if (version is null || due is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            return null;
        var headers = answer.Content.Headers;
        if (answer.Headers.ETag?.ToString() != version.ETag
            || headers.ContentLength != length
            || headers.ContentType?.ToString() != version.Options.ContentType
            || headers.LastModified != version.Options.LastModified
            || answer.Headers.GetValues("x-amz-meta-number").Single() != version.Options.Metadata["number"])
            return $"{version.ETag}: has other headers";
        if (_isHead)
            return null;
        return body.Length != length ? $"{version.ETag}: {length} bytes were due, not {body.Length}"
            : body.AsSpan().SequenceEqual(version.Content.ToArray(start, (int)length)) ? null
            : $"{version.ETag}: has other bytes";
    }

    /// <summary>RFC 9110, 13.2.2 and 14.2, written anew from the text.</summary>
    private HttpStatusCode StatusOf(FakeObject? version, out long start, out long length)
    {
        (start, length) = (0, version?.Content.SizeBytes ?? 0);
        if (version is null)
            return HttpStatusCode.NotFound;
        if (_ifMatch is not null && _ifMatch != version.ETag)
            return HttpStatusCode.PreconditionFailed;
        if (_ifNoneMatch is not null && _ifNoneMatch == version.ETag)
            return HttpStatusCode.NotModified;
        if (_ifModifiedSince is { } since && version.Options.LastModified <= since)
            return HttpStatusCode.NotModified;
        if (_range is null)
            return HttpStatusCode.OK;
        var size = version.Content.SizeBytes;
        var parts = _range["bytes=".Length..].Split('-');
        if (parts[0].Length == 0)
        {
            length = Math.Min(long.Parse(parts[1], CultureInfo.InvariantCulture), size);
            start = size - length;
            return length == 0 ? HttpStatusCode.RequestedRangeNotSatisfiable : HttpStatusCode.PartialContent;
        }

        start = long.Parse(parts[0], CultureInfo.InvariantCulture);
        if (start >= size)
            return HttpStatusCode.RequestedRangeNotSatisfiable;
        var end = parts[1].Length == 0 ? size : Math.Min(size, long.Parse(parts[1], CultureInfo.InvariantCulture) + 1);
        length = end - start;
        return HttpStatusCode.PartialContent;
    }

    private static string RangeOf(long size, Random random)
    {
        // Edges of blocks, chunks and the object are where mistakes live.
        long[] edges = [0, 1, Geometry.BlockBytes, Geometry.ChunkBytes, 2L * Geometry.ChunkBytes, size / 2, size];
        var start = Math.Max(0, edges[random.Next(edges.Length)] + random.Next(-2, 3));
        return random.Next(5) switch
        {
            0 => $"bytes={start}-",
            1 => $"bytes=-{start}",
            2 => $"bytes={start}-{start + random.Next(100)}",
            _ => $"bytes={start}-{start + random.NextInt64(Math.Max(1, size))}",
        };
    }
}
