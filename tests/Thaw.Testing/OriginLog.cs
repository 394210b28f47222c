using System.Collections.Concurrent;

namespace Thaw.Testing;

/// <summary>One request as a <see cref="FaultyOrigin"/> saw it.</summary>
public sealed class OriginRequest
{
    private long _bytesSent;

    /// <summary>1 for the first request of the server.</summary>
    public required int Number { get; init; }

    /// <summary>HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Bucket.</summary>
    public required string Bucket { get; init; }

    /// <summary>Key, decoded; empty for a listing.</summary>
    public required string Key { get; init; }

    /// <summary>Whether it is a listing.</summary>
    public required bool IsList { get; init; }

    /// <summary>Whether it is a GET of an object.</summary>
    public bool IsGet => Method == "GET" && !IsList;

    /// <summary>Whether it is a HEAD.</summary>
    public bool IsHead => Method == "HEAD";

    /// <summary>Range header as sent; empty: none.</summary>
    public required string Range { get; init; }

    /// <summary>If-Match header as sent; empty: none.</summary>
    public required string IfMatch { get; init; }

    /// <summary>start-after or continuation token of a listing.</summary>
    public required string ContinuesList { get; init; }

    /// <summary>Authorization header; empty for an anonymous request.</summary>
    public required string Authorization { get; init; }

    /// <summary>1 for the first request with this method and path.</summary>
    public required int Attempt { get; init; }

    /// <summary>Status, or 0 before the answer.</summary>
    public int Status { get; internal set; }

    /// <summary>Whether the answer has ended, one way or another.</summary>
    public bool IsDone { get; internal set; }

    /// <summary>Body bytes handed to the connection; a client that is gone may have got less.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    internal void AddSent(int bytes) => Interlocked.Add(ref _bytesSent, bytes);

    /// <inheritdoc />
    public override string ToString() => $"#{Number} {Method} /{Bucket}/{Key} {Range} -> {Status}, {BytesSent} bytes";
}

/// <summary>All requests of a server in the order of their arrival. Any thread may read.</summary>
public sealed class OriginLog
{
    private readonly ConcurrentQueue<OriginRequest> _requests = new();
    private int _atOnce;
    private int _peak;

    /// <summary>The requests so far.</summary>
    public IReadOnlyList<OriginRequest> Requests => [.. _requests];

    /// <summary>GETs of objects.</summary>
    public IReadOnlyList<OriginRequest> Gets => [.. _requests.Where(r => r.IsGet)];

    /// <summary>HEADs.</summary>
    public IReadOnlyList<OriginRequest> Heads => [.. _requests.Where(r => r.IsHead)];

    /// <summary>Listings.</summary>
    public IReadOnlyList<OriginRequest> Lists => [.. _requests.Where(r => r.IsList)];

    /// <summary>Body bytes of GETs of objects.</summary>
    public long BytesSent => _requests.Where(r => r.IsGet).Sum(r => r.BytesSent);

    /// <summary>Requests under way now.</summary>
    public int AtOnce => Volatile.Read(ref _atOnce);

    /// <summary>Most requests that were ever under way at once.</summary>
    public int PeakAtOnce => Volatile.Read(ref _peak);

    /// <summary>Forgets the requests and the peak; requests under way go on.</summary>
    public void Clear()
    {
        _requests.Clear();
        Volatile.Write(ref _peak, AtOnce);
    }

    internal void Add(OriginRequest request)
    {
        _requests.Enqueue(request);
        var now = Interlocked.Increment(ref _atOnce);
        for (var peak = Volatile.Read(ref _peak); now > peak;)
            peak = Interlocked.CompareExchange(ref _peak, now, peak) is var seen && seen == peak ? now : seen;
    }

    internal void End(OriginRequest request)
    {
        request.IsDone = true;
        Interlocked.Decrement(ref _atOnce);
    }
}
