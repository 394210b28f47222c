using System.Text.Json;
using Thaw.Testing;

namespace Thaw.Conformance.Clients;

/// <summary>Amazon's library for Python (Debian package python3-boto3), by a short script.</summary>
internal sealed record Boto3(Uri Endpoint, string AccessKey, string SecretKey)
    : S3Client("boto3", Endpoint, AccessKey, SecretKey)
{
    private static string Script => Path.Combine(Places.Root, "tests", "Thaw.Conformance", "Clients", "boto3_read.py");

    /// <inheritdoc />
    public override async Task<IReadOnlyDictionary<string, long>> ListAsync(
        string bucket, string prefix, CancellationToken cancellationToken)
    {
        var text = await RunAsync("/usr/bin/python3", [Script, EndpointText, bucket, prefix], cancellationToken);
        using var answer = JsonDocument.Parse(text);
        return answer.RootElement.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt64());
    }

    /// <inheritdoc />
    public override Task DownloadAsync(
        string bucket, string prefix, string folder, CancellationToken cancellationToken) =>
        RunAsync("/usr/bin/python3", [Script, EndpointText, bucket, prefix, folder], cancellationToken);
}
