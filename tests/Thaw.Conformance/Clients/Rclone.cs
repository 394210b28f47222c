using System.Text.Json;
using Thaw.Testing;

namespace Thaw.Conformance.Clients;

/// <summary>rclone (Debian package).</summary>
internal sealed record Rclone(Uri Endpoint, string AccessKey, string SecretKey)
    : S3Client("rclone", Endpoint, AccessKey, SecretKey)
{
    /// <inheritdoc />
    public override async Task<IReadOnlyDictionary<string, long>> ListAsync(
        string bucket, string prefix, CancellationToken cancellationToken)
    {
        var text = await RcloneAsync(
            ["lsjson", "--recursive", "--files-only", $"remote:{bucket}/{prefix}"], cancellationToken);
        using var answer = JsonDocument.Parse(text);
        return answer.RootElement.EnumerateArray().ToDictionary(
            entry => prefix + entry.GetProperty("Path").GetString(), entry => entry.GetProperty("Size").GetInt64());
    }

    /// <inheritdoc />
    public override Task DownloadAsync(
        string bucket, string prefix, string folder, CancellationToken cancellationToken) =>
        RcloneAsync(["copy", "--retries", "1", $"remote:{bucket}/{prefix}", folder], cancellationToken);

    private Task<string> RcloneAsync(string[] arguments, CancellationToken cancellationToken)
    {
        var variables = Variables;
        variables["RCLONE_CONFIG"] = "/dev/null";
        variables["RCLONE_CONFIG_REMOTE_TYPE"] = "s3";
        variables["RCLONE_CONFIG_REMOTE_PROVIDER"] = "Other";
        variables["RCLONE_CONFIG_REMOTE_ENDPOINT"] = EndpointText;
        variables["RCLONE_CONFIG_REMOTE_ACCESS_KEY_ID"] = AccessKey;
        variables["RCLONE_CONFIG_REMOTE_SECRET_ACCESS_KEY"] = SecretKey;
        variables["RCLONE_CONFIG_REMOTE_FORCE_PATH_STYLE"] = "true";
        return new Command("/usr/bin/rclone", arguments) { Environment = variables }.RunAsync(cancellationToken);
    }
}
