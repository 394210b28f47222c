using Thaw.Testing;

namespace Thaw.Conformance.Clients;

/// <summary>
/// A program that people read S3 with, as a process of its own. Keys are dummies where nobody checks them.
/// </summary>
/// <param name="Name">Name for messages.</param>
/// <param name="Endpoint">Where it is sent.</param>
/// <param name="AccessKey">Access key it signs with.</param>
/// <param name="SecretKey">Secret key it signs with.</param>
internal abstract record S3Client(string Name, Uri Endpoint, string AccessKey, string SecretKey)
{
    /// <summary>The names of the clients that <see cref="New"/> knows.</summary>
    public static IReadOnlyList<string> Names => ["aws-cli", "rclone", "boto3"];

    /// <summary>A client by name.</summary>
    public static S3Client New(string name, Uri endpoint, string accessKey, string secretKey) => name switch
    {
        "aws-cli" => new AwsCli(endpoint, accessKey, secretKey),
        "rclone" => new Rclone(endpoint, accessKey, secretKey),
        "boto3" => new Boto3(endpoint, accessKey, secretKey),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such client"),
    };

    /// <summary>Keys below a prefix with their sizes in bytes.</summary>
    public abstract Task<IReadOnlyDictionary<string, long>> ListAsync(
        string bucket, string prefix, CancellationToken cancellationToken);

    /// <summary>Copies all objects below a prefix into a folder, below their keys without the prefix.</summary>
    public abstract Task DownloadAsync(
        string bucket, string prefix, string folder, CancellationToken cancellationToken);

    /// <summary>Variables that keep it from reading anyone's own configuration.</summary>
    protected Dictionary<string, string?> Variables => new()
    {
        ["AWS_ACCESS_KEY_ID"] = AccessKey,
        ["AWS_SECRET_ACCESS_KEY"] = SecretKey,
        ["AWS_DEFAULT_REGION"] = "us-east-1",
        ["AWS_CONFIG_FILE"] = "/dev/null",
        ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
        ["AWS_MAX_ATTEMPTS"] = "1",
        ["PYTHONDONTWRITEBYTECODE"] = "1",
    };

    /// <summary>The endpoint without a trailing slash.</summary>
    protected string EndpointText => Endpoint.GetLeftPart(UriPartial.Authority);

    /// <summary>Runs a program with <see cref="Variables"/>.</summary>
    protected Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        new Command(program, arguments) { Environment = Variables }.RunAsync(cancellationToken);
}
