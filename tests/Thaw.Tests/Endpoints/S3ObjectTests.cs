using System.Collections.Immutable;
using System.Net;
using CsCheck;
using Thaw.Core.Identity;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class S3ObjectTests
{
    [Fact]
    public async Task Whole_object_comes_with_the_origins_headers()
    {
        await using var bench = await S3Bench.StartAsync();
        var bytes = S3Bench.Bytes(3_000_001);
        var version = bench.Models.Add("a/b.bin", bytes, v => v with
        {
            ContentType = "application/x-model",
            Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("who", "me").Add("bad", "line\nbreak"),
            Sum = new OriginSum(SumKind.Crc32C, [1, 2, 3, 4]),
        });
        using var answer = await bench.GetAsync("/models/a/b.bin", ("x-amz-checksum-mode", "ENABLED"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(bytes, await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(version.ETag, answer.Headers.ETag!.ToString());
        Assert.Equal(FakeModels.Modified, answer.Content.Headers.LastModified);
        Assert.Equal("application/x-model", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal("me", answer.Headers.GetValues("x-amz-meta-who").Single());
        Assert.Equal("1", answer.Headers.GetValues("x-amz-missing-meta").Single());
        Assert.Equal("AQIDBA==", answer.Headers.GetValues("x-amz-checksum-crc32c").Single());
        Assert.Equal("bytes", answer.Headers.AcceptRanges.Single());
        Assert.Equal(16, answer.Headers.GetValues("x-amz-request-id").Single().Length);
    }

    [Theory]
    [InlineData("bytes=0-0", 206, 0, 1)]
    [InlineData("bytes=10-", 206, 10, 90)]
    [InlineData("bytes=-7", 206, 93, 7)]
    [InlineData("bytes=-700", 206, 0, 100)]
    [InlineData("bytes=90-99999999999999999999999", 206, 90, 10)]
    [InlineData("BYTES=99-99", 206, 99, 1)]
    [InlineData("bytes=100-", 416, 0, 0)]
    [InlineData("bytes=-0", 416, 0, 0)]
    [InlineData("bytes=5-4", 200, 0, 100)]
    [InlineData("bytes=0-1,3-4", 200, 0, 100)]
    [InlineData("lines=0-1", 200, 0, 100)]
    [InlineData("bytes=x-1", 200, 0, 100)]
    public async Task Ranges_follow_the_rfc(string range, int status, int start, int length)
    {
        await using var bench = await S3Bench.StartAsync();
        var bytes = S3Bench.Bytes(100);
        bench.Models.Add("k", bytes);
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var answer = await bench.SendAsync(method, "/acme-models/k", ("Range", range));
            Assert.Equal(status, (int)answer.StatusCode);
            if (status == 416)
            {
                Assert.Equal("bytes */100", answer.Content.Headers.GetValues("Content-Range").Single());
                continue;
            }

            Assert.Equal(length, answer.Content.Headers.ContentLength);
            if (status == 206)
                Assert.Equal(
                    $"bytes {start}-{start + length - 1}/100", answer.Content.Headers.ContentRange!.ToString());
            if (method == HttpMethod.Get)
                Assert.Equal(bytes[start..(start + length)], await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Empty_objects_have_no_range()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("empty", []);
        using var whole = await bench.GetAsync("/models/empty");
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        Assert.Equal(0, whole.Content.Headers.ContentLength);
        using var part = await bench.GetAsync("/models/empty", ("Range", "bytes=0-"));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, part.StatusCode);
        using var first = await bench.GetAsync("/models/empty?partNumber=1");
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
    }

    [Theory]
    [InlineData("1", null, 206, "")]
    [InlineData("2", null, 416, "InvalidPartNumber")]
    [InlineData("0", null, 400, "InvalidArgument")]
    [InlineData("x", null, 400, "InvalidArgument")]
    [InlineData("1", "bytes=0-1", 400, "InvalidRequest")]
    public async Task Every_object_is_one_part(string part, string? range, int status, string code)
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("k", S3Bench.Bytes(10));
        using var answer = range is null
            ? await bench.GetAsync($"/models/k?partNumber={part}")
            : await bench.GetAsync($"/models/k?partNumber={part}", ("Range", range));
        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 206)
            Assert.Equal(10, answer.Content.Headers.ContentLength);
        else
            Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Overrides_replace_headers_and_cannot_smuggle_lines()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("k", S3Bench.Bytes(10));
        using var answer =
            await bench.GetAsync("/models/k?response-content-type=text%2Fplain&response-cache-control=no-store");
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        using var smuggled = await bench.GetAsync("/models/k?response-content-type=a%0d%0aX-Evil:%201");
        Assert.Equal(HttpStatusCode.BadRequest, smuggled.StatusCode);
        Assert.False(smuggled.Headers.Contains("X-Evil"));
    }

    /// <summary>The model of RFC 9110, 13.2.2, written down once more and compared with the server.</summary>
    [Fact]
    public async Task Random_conditions_and_ranges_match_the_model()
    {
        await using var bench = await S3Bench.StartAsync();
        var size = 600_000;
        var bytes = S3Bench.Bytes(size);
        var etag = bench.Models.Add("k", bytes).ETag;
        var tag = S3Bench.OneOf<string?>(null, etag, etag.Trim('"'), "*", "\"other\"", $"\"x,y\", {etag}", "W/" + etag);
        var date = S3Bench.OneOf<int?>(null, -1, 0, 1);
        var offsets = Gen.Int[0, size + 10];
        await Gen.Select(tag, tag, date, date, offsets, offsets, Gen.Int[0, 3])
            .SampleAsync(async sample =>
        {
            var (ifMatch, ifNone, ifUnmodified, ifModified, a, b, shape) = sample;
            var range = shape switch
            { 0 => null, 1 => $"bytes={a}-", 2 => $"bytes=-{a}", _ => $"bytes={Math.Min(a, b)}-{Math.Max(a, b)}" };
            List<(string, string)> headers = [];
            void Add(string name, string? value)
            {
                if (value is not null)
                    headers.Add((name, value));
            }

            Add("If-Match", ifMatch);
            Add("If-None-Match", ifNone);
            Add("If-Unmodified-Since", Date(ifUnmodified));
            Add("If-Modified-Since", Date(ifModified));
            Add("Range", range);
            using var answer = await bench.GetAsync("/models/k", [.. headers]);
            var (start, end) = shape switch
            {
                1 => (a, size),
                2 => (size - Math.Min(a, size), size),
                3 => (Math.Min(a, b), Math.Min(Math.Max(a, b) + 1, size)),
                _ => (0, size),
            };
            var expected = ifMatch is not null && (ifMatch == "\"other\"" || ifMatch.StartsWith('W')) ? 412
                : ifMatch is null && ifUnmodified == -1 ? 412
                : ifNone is not null and not "\"other\"" ? 304
                : ifNone is null && ifModified >= 0 ? 304
                : shape == 0 ? 200 : start >= end ? 416 : 206;
            Assert.Equal(expected, (int)answer.StatusCode);
            var body = await answer.Content.ReadAsByteArrayAsync();
            if (expected is 200 or 206)
                Assert.True(body.AsSpan().SequenceEqual(bytes.AsSpan(start, end - start)), "other bytes");
            else if (expected == 304)
                Assert.Empty(body);
        }, iter: 400, threads: 2);
    }

    private static string? Date(int? seconds) =>
        seconds is null ? null : FakeModels.Modified.AddSeconds(seconds.Value).ToString("R");
}
