using System.Text.Json;

namespace Thaw.Bench.Warm;

/// <summary>Bytes of the S3 face by tier, as the node's own counters say.</summary>
internal readonly record struct ServedTiers(long Local, long Other, long CacheBytes, long InFlight)
{
    public static ServedTiers Read(HttpClient http, int controlPort)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{controlPort}/api/v1/stats");
        using var stream = http.Send(request).EnsureSuccessStatusCode().Content.ReadAsStream();
        using var stats = JsonDocument.Parse(stream);
        var s3 = stats.RootElement.GetProperty("served").GetProperty("s3");
        long Tier(string name) => s3.GetProperty(name).GetInt64();
        return new ServedTiers(
            Tier("local"), Tier("peer") + Tier("parent") + Tier("origin"),
            stats.RootElement.GetProperty("cache").GetProperty("bytes").GetInt64(),
            stats.RootElement.GetProperty("inFlight").GetProperty("chunks").GetInt64());
    }

    /// <summary>
    /// Fails unless all bytes since <paramref name="before"/> came from the local tier, and at least so many.
    /// </summary>
    public void AssertLocal(ServedTiers before, long bytes)
    {
        if (Other != before.Other || Local - before.Local < bytes)
            throw new InvalidOperationException(
                $"not warm: {Local - before.Local} of {bytes} bytes are local, {Other - before.Other} are not");
    }
}
