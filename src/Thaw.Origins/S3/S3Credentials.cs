using Amazon.Runtime;
using Thaw.Core.Configuration;

namespace Thaw.Origins.S3;

/// <summary>
/// Access key and secret key from two files, read again when either changes, so that rotated keys need no restart.
/// Any thread may ask; the SDK asks before it signs each request.
/// </summary>
internal sealed class FileCredentials(string accessKeyFile, string secretKeyFile) : AWSCredentials
{
    private volatile Loaded? _loaded;

    /// <inheritdoc />
    public override ImmutableCredentials GetCredentials()
    {
        var stamp = (StampOf(accessKeyFile), StampOf(secretKeyFile));
        if (_loaded is { } known && known.Stamp == stamp)
            return known.Keys;
        var keys = new ImmutableCredentials(Read(accessKeyFile), Read(secretKeyFile), null);
        _loaded = new Loaded(stamp, keys);
        return keys;
    }

    /// <inheritdoc />
    public override Task<ImmutableCredentials> GetCredentialsAsync() => Task.FromResult(GetCredentials());

    private static (DateTime Written, long Length) StampOf(string path)
    {
        var file = new FileInfo(path);
        return file.Exists
            ? (file.LastWriteTimeUtc, file.Length)
            : throw new CredentialsUnavailableException($"the file {path} is missing");
    }

    private static string Read(string path)
    {
        try
        {
            var text = File.ReadAllText(path).Trim();
            return text.Length > 0 ? text : throw new CredentialsUnavailableException($"the file {path} is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CredentialsUnavailableException($"the file {path} cannot be read");
        }
    }

    private sealed record Loaded(((DateTime, long), (DateTime, long)) Stamp, ImmutableCredentials Keys);
}

/// <summary>Keys that should be there are not; the message names the place, never the content.</summary>
internal sealed class CredentialsUnavailableException(string message) : Exception(message);

/// <summary>From configuration to the SDK's credentials.</summary>
internal static class S3Credentials
{
    /// <summary>Null: the SDK's default chain (environment, profile, web identity, container, instance).</summary>
    public static AWSCredentials? From(CredentialsConfig config) => config switch
    {
        { Anonymous: true } => new AnonymousAWSCredentials(),
        { AccessKeyFile: { } access, SecretKeyFile: { } secret } => new FileCredentials(access, secret),
        _ => null,
    };
}
