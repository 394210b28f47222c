using System.Text.Json;

namespace Thaw.Conformance.Clients;

/// <summary>Amazon's command line (Debian package awscli).</summary>
internal sealed record AwsCli(Uri Endpoint, string AccessKey, string SecretKey)
    : S3Client("aws-cli", Endpoint, AccessKey, SecretKey)
{
    private const string Program = "/usr/bin/aws";

    /// <inheritdoc />
    public override async Task<IReadOnlyDictionary<string, long>> ListAsync(
        string bucket, string prefix, CancellationToken cancellationToken)
    {
        string[] arguments =
            ["--endpoint-url", EndpointText, "s3api", "list-objects-v2", "--bucket", bucket, "--prefix", prefix,
                "--output", "json"];
        using var answer = JsonDocument.Parse(await RunAsync(Program, arguments, cancellationToken));
        return answer.RootElement.GetProperty("Contents").EnumerateArray()
            .ToDictionary(
                entry => entry.GetProperty("Key").GetString()!, entry => entry.GetProperty("Size").GetInt64());
    }

    /// <inheritdoc />
    public override Task DownloadAsync(
        string bucket, string prefix, string folder, CancellationToken cancellationToken) =>
        RunAsync(
            Program,
            ["--endpoint-url", EndpointText, "s3", "cp", "--recursive", "--no-progress", $"s3://{bucket}/{prefix}",
                folder],
            cancellationToken);
}
