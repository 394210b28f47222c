using System.Net;
using System.Xml.Linq;
using Thaw.Conformance.Clients;
using Thaw.Conformance.Servers;
using Thaw.Testing;
using Xunit;

namespace Thaw.Conformance;

/// <summary>
/// The container image of the published binary <c>dist/thaw-linux-x64</c>: what is in it is enough for a signed GET
/// over TLS, and nothing else is in it.
/// </summary>
[Collection(RadosgwTests.Name)]
[Trait("Category", "Server")]
public sealed class ContainerTests(Radosgw origin)
{
    private const string Roots = "/etc/ssl/certs/ca-certificates.crt";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_inside_reads_over_tls_with_signatures_and_trusts_only_whom_it_is_told_to()
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await using var image = await ContainerImage.BuildAsync(Stop);
        AssertOnlyWhatIsNeeded(image.Root);
        var inspected = await image.InspectAsync(Stop);
        Assert.Contains("\"/usr/bin/thaw\"", inspected, StringComparison.Ordinal);
        Assert.Contains($"SSL_CERT_FILE={Roots}", inspected, StringComparison.Ordinal);
        var ports = FreePorts.Take(2);
        var (s3, control) = (new Uri($"http://127.0.0.1:{ports[0]}"), new Uri($"http://127.0.0.1:{ports[1]}"));
        Configure(image.Settings, model.Bucket, s3, control);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };

        // The roots of the image do not include this origin's authority: the node must not talk to it.
        using (var run = image.Serve(roots: null))
        {
            await ReadyAsync(run, http, control);
            using var refused = await http.GetAsync(new Uri(s3, $"/models/{SampleModel.LargeKey}"), Stop);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Contains("certificate",
                XDocument.Parse(await refused.Content.ReadAsStringAsync(Stop)).Root!.Element("Message")!.Value,
                StringComparison.OrdinalIgnoreCase);
            Assert.Equal(0, await run.EndAsync(Stop));
        }

        await AssertUnsignedIsRefusedAsync(model.Bucket);
        var roots = Path.Combine(image.Settings, "roots.pem");
        await File.WriteAllTextAsync(
            roots, await File.ReadAllTextAsync(image.Root + Roots, Stop) + origin.Authority.Root, Stop);
        using (var run = image.Serve(roots))
        {
            await ReadyAsync(run, http, control);
            await model.AssertReadByAsync(new AwsCli(s3, "any", "any"), "models", SampleModel.Prefix, Stop);
            Assert.Equal(model.TotalBytes, await origin.SentBytesAsync(model.Bucket, Stop));
            Assert.Equal(0, await run.EndAsync(Stop));
            Assert.DoesNotContain("   at ", run.Log, StringComparison.Ordinal);
        }
    }

    private void Configure(string settings, string bucket, Uri s3, Uri control)
    {
        File.Copy(origin.AccessKeyFile, Path.Combine(settings, "access-key"));
        File.Copy(origin.SecretKeyFile, Path.Combine(settings, "secret-key"));
        File.WriteAllText(Path.Combine(settings, "thaw.yaml"), $$"""
            cache: {disks: [{path: /var/lib/thaw, capacity: 1GiB}], memory: 64MiB}
            mounts:
              - name: models
                origin: s3://{{bucket}}
                endpoint: {{origin.TlsEndpoint.GetLeftPart(UriPartial.Authority)}}
                credentials: {accessKeyFile: /etc/thaw/access-key, secretKeyFile: /etc/thaw/secret-key}
            s3: {listen: '{{s3.Authority}}'}
            control: {listen: '{{control.Authority}}'}
            """);
    }

    private static Task ReadyAsync(ContainerRun run, HttpClient http, Uri control) => Eventually.HoldsAsync(
        "the node inside is ready",
        async () =>
        {
            Assert.False(run.HasExited, run.Log);
            try
            {
                using var answer = await http.GetAsync(new Uri(control, "/readyz"), Stop);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false; // nobody listens yet
            }
        },
        () => run.Log, TimeSpan.FromSeconds(30), Stop);

    /// <summary>What the node read, it read with a signature: without one the origin refuses.</summary>
    private async Task AssertUnsignedIsRefusedAsync(string bucket)
    {
        using var trusting = new HttpClient(new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, _, _, _) => true,
        });
        using var answer = await trusting.GetAsync(
            new Uri(origin.TlsEndpoint, $"/{bucket}/{SampleModel.LargeKey}"), Stop);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    private static void AssertOnlyWhatIsNeeded(string root)
    {
        // What the runtime itself puts into every container.
        string[] made = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];
        var files = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(root, file)).Except(made).Order(StringComparer.Ordinal);
        const string libraries = "lib/x86_64-linux-gnu";
        Assert.Equal(
        [
            Roots[1..], $"{libraries}/libc.so.6", $"{libraries}/libcrypto.so.3", $"{libraries}/libm.so.6",
            $"{libraries}/libssl.so.3", "lib64/ld-linux-x86-64.so.2", "usr/bin/thaw",
        ],
        files);
    }
}
