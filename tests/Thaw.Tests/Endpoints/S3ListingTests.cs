using System.Net;
using System.Xml.Linq;
using CsCheck;
using Thaw.Core.Contracts;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class S3ListingTests
{
    private static readonly XNamespace Ns = "http://s3.amazonaws.com/doc/2006-03-01/";

    /// <summary>
    /// Whatever the page size, version and delimiter: the same keys as one endless page of the model.
    /// </summary>
    [Fact]
    public async Task Paging_loses_nothing_and_repeats_nothing()
    {
        var segment = S3Bench.OneOf("a", "b", "a+b", "é", "😀", "%41", "..", "", "x y", "<&>", "\u00ff");
        var key = Gen.Select(segment.Array[1, 4], parts => string.Join('/', parts)).Where(k => k.Length > 0);
        await Gen.Select(key.Array[0, 25], Gen.Int[1, 7], Gen.Bool, S3Bench.OneOf("", "/", "a", "//"),
            S3Bench.OneOf("", "a", "a/", "é"), Gen.Bool).SampleAsync(async sample =>
        {
            var (keys, maxKeys, v2, delimiter, prefix, url) = sample;
            await using var bench = await S3Bench.StartAsync();
            foreach (var each in keys)
                bench.Models.Add(each, [1]);
            var expected = bench.Models.List(new ListRequest(prefix, delimiter, "", int.MaxValue));
            var found = await PagesAsync(bench, maxKeys, v2, delimiter, prefix, url);
            Assert.Equal(expected.Entries.Select(entry => (entry.Key, entry.IsCommonPrefix)).OrderBy(e => e),
                found.OrderBy(e => e));
        }, iter: 60, threads: 1);
    }

    [Fact]
    public async Task Answers_name_what_was_asked()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("a/1", [1]);
        bench.Models.Add("b", [1, 2]);
        using var answer = await bench.GetAsync("/models?list-type=2&delimiter=/&max-keys=5000&start-after=0");
        var root = XElement.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal("ListBucketResult", root.Name.LocalName);
        Assert.Equal(("models", "1000", "false", "2", "0"), (Text(root, "Name"), Text(root, "MaxKeys"),
            Text(root, "IsTruncated"), Text(root, "KeyCount"), Text(root, "StartAfter")));
        Assert.Equal("2", Text(root.Element(Ns + "Contents")!, "Size"));
        Assert.Equal("2024-05-06T07:08:09.000Z", Text(root.Element(Ns + "Contents")!, "LastModified"));
        using var none = await bench.GetAsync("/models?list-type=2&max-keys=0");
        Assert.Equal("0", Text(XElement.Parse(await none.Content.ReadAsStringAsync()), "KeyCount"));
    }

    [Theory]
    [InlineData("list-type=2&continuation-token=garbage", "InvalidArgument")]
    [InlineData("list-type=2&continuation-token=", "InvalidArgument")]
    [InlineData("list-type=2&continuation-token=AmI", "InvalidArgument")]
    [InlineData("list-type=2&continuation-token=Af8", "InvalidArgument")]
    [InlineData("max-keys=-1", "InvalidArgument")]
    [InlineData("max-keys=many", "InvalidArgument")]
    [InlineData("encoding-type=base64", "InvalidArgument")]
    [InlineData("list-type=3", "InvalidArgument")]
    [InlineData("prefix=%ff", "InvalidURI")]
    [InlineData("uploads", "NotImplemented")]
    [InlineData("acl", "NotImplemented")]
    public async Task Bad_parameters_are_told(string query, string code)
    {
        await using var bench = await S3Bench.StartAsync();
        using var answer = await bench.GetAsync("/models?" + query);
        Assert.Equal(code == "NotImplemented" ? 501 : 400, (int)answer.StatusCode);
        Assert.Contains($"<Code>{code}</Code>", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Control_characters_need_url_encoding()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("tab\tkey", [1]);
        using var legal = await bench.GetAsync("/models");
        Assert.Contains("<Key>tab&#x9;key</Key>", await legal.Content.ReadAsStringAsync());
        bench.Models.Add("bell\u0007", [1]);
        using var illegal = await bench.GetAsync("/models");
        Assert.Equal(HttpStatusCode.BadRequest, illegal.StatusCode);
        using var encoded = await bench.GetAsync("/models?encoding-type=url");
        Assert.Contains("<Key>bell%07</Key>", await encoded.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Buckets_and_their_properties()
    {
        await using var bench = await S3Bench.StartAsync();
        var buckets = XElement.Parse(await bench.Http.GetStringAsync("/"));
        Assert.Equal(["acme-models", "other"], buckets.Descendants(Ns + "Name").Select(name => name.Value));
        Assert.Equal("", XElement.Parse(await bench.Http.GetStringAsync("/models?location")).Value);
        Assert.Empty(XElement.Parse(await bench.Http.GetStringAsync("/models?versioning")).Elements());
        using var head = await bench.SendAsync(HttpMethod.Head, "/models");
        Assert.Equal("us-east-1", head.Headers.GetValues("x-amz-bucket-region").Single());
        using var missing = await bench.SendAsync(HttpMethod.Head, "/nothing");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    private static async Task<List<(string, bool)>> PagesAsync(
        S3Bench bench, int maxKeys, bool v2, string delimiter, string prefix, bool url)
    {
        var found = new List<(string, bool)>();
        var next = "";
        for (var page = 0; ; page++)
        {
            Assert.True(page < 200, "The listing has no end.");
            var query = $"/models?max-keys={maxKeys}&delimiter={Uri.EscapeDataString(delimiter)}"
                + $"&prefix={Uri.EscapeDataString(prefix)}{(v2 ? "&list-type=2" : "")}"
                + $"{(url ? "&encoding-type=url" : "")}{next}";
            var root = XElement.Parse(await bench.Http.GetStringAsync(query));
            string Plain(string text) => url ? Uri.UnescapeDataString(text) : text;
            var keys = root.Elements(Ns + "Contents").Select(each => Plain(Text(each, "Key")!)).ToList();
            var prefixes = root.Elements(Ns + "CommonPrefixes").Select(each => Plain(Text(each, "Prefix")!)).ToList();
            Assert.InRange(keys.Count + prefixes.Count, 0, maxKeys);
            found.AddRange(keys.Select(each => (each, false)));
            found.AddRange(prefixes.Select(each => (each, true)));
            if (Text(root, "IsTruncated") == "false")
                return found;
            next = v2
                ? "&continuation-token=" + Text(root, "NextContinuationToken")
                : "&marker=" + Uri.EscapeDataString(
                    Plain(Text(root, "NextMarker") ?? Text(root.Elements(Ns + "Contents").Last(), "Key")!));
        }
    }

    private static string? Text(XElement parent, string name) => parent.Element(Ns + name)?.Value;
}
