using System.Text.Json;

namespace Thaw.Bench.Harness;

/// <summary>Bytes of the S3 face by tier, as the node's own counters say.</summary>
internal readonly record struct ServedTiers(
    long Local, long Origin, long Other, long OriginBytes, long CacheBytes, long InFlight)
{
    public static ServedTiers Read(HttpClient http, int controlPort)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{controlPort}/api/v1/stats");
        using var stream = http.Send(request).EnsureSuccessStatusCode().Content.ReadAsStream();
        using var stats = JsonDocument.Parse(stream);
        var s3 = stats.RootElement.GetProperty("served").GetProperty("s3");
        long Tier(string name) => s3.GetProperty(name).GetInt64();
        return new ServedTiers(
            Tier("local"), Tier("origin"), Tier("peer") + Tier("parent"),
            stats.RootElement.GetProperty("origin").GetProperty("bytes").GetInt64(),
            stats.RootElement.GetProperty("cache").GetProperty("bytes").GetInt64(),
            stats.RootElement.GetProperty("inFlight").GetProperty("chunks").GetInt64());
    }

    /// <summary>
    /// Fails unless all bytes since <paramref name="before"/> came from the local tier, and at least so many.
    /// </summary>
    public void AssertLocal(ServedTiers before, long bytes)
    {
        var other = Other + Origin - before.Other - before.Origin;
        if (other != 0 || Local - before.Local < bytes)
            throw new InvalidOperationException(
                $"not warm: {Local - before.Local} of {bytes} bytes are local, {other} are not");
    }

    /// <summary>
    /// Fails unless a node that started empty took every byte of the object from the origin once, and the readers had
    /// theirs from there: from the origin itself, or locally from what another reader's fetch had brought.
    /// </summary>
    public void AssertCold(long sizeBytes, int readers)
    {
        if (OriginBytes != sizeBytes || Other != 0 || Origin + Local != readers * sizeBytes || Origin < sizeBytes / 2)
            throw new InvalidOperationException(
                $"not cold: {OriginBytes} of {sizeBytes} bytes came from the origin; {Origin} were served from there, "
                    + $"{Local} locally, {Other} otherwise");
    }
}
