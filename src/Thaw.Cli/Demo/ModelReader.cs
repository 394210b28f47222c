using System.Security.Cryptography;
using Thaw.Cli.Pulling;
using Thaw.Core;

namespace Thaw.Cli.Demo;

/// <summary>
/// One reader: reads every file of the model in order, with a few ranged GETs ahead, and hashes each byte while the
/// next ranges are under way.
/// </summary>
internal sealed class ModelReader(Uri endpoint, string bucket, TimeProvider clock, Action<long> onBytes)
{
    private const int Ahead = 4;

    /// <summary>Reads and compares all files; true when every sum matches.</summary>
    public async Task<Reply<bool>> ReadAsync(IReadOnlyList<ModelFile> files, CancellationToken cancellationToken)
    {
        using var source = new S3Source(endpoint, clock);
        var buffers = new Queue<byte[]>(Enumerable.Range(0, Ahead).Select(_ => new byte[Limits.PullPartBytes]));
        var match = true;
        foreach (var file in files)
        {
            var sum = await ReadFileAsync(source, file, buffers, cancellationToken);
            if (sum.Failure is not null)
                return sum.Failure;
            match &= sum.Value == file.Sha256;
        }

        return match;
    }

    private async Task<Reply<string>> ReadFileAsync(
        S3Source source, ModelFile file, Queue<byte[]> buffers, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var pending = new Queue<(Task<CliFailure?> Read, byte[] Buffer, int Length)>();
        long asked = 0;
        CliFailure? failure = null;
        while (failure is null && (asked < file.Bytes || pending.Count > 0))
        {
            while (asked < file.Bytes && buffers.TryDequeue(out var free))
            {
                var length = (int)Math.Min(free.Length, file.Bytes - asked);
                pending.Enqueue((source.ReadAsync(bucket, file.Key, null, asked, free.AsMemory(0, length), stop.Token),
                    free, length));
                asked += length;
            }

            var (read, buffer, bytes) = pending.Dequeue();
            failure = await read;
            if (failure is null)
            {
                sum.AppendData(buffer, 0, bytes);
                onBytes(bytes);
            }

            buffers.Enqueue(buffer);
        }

        await stop.CancelAsync();
        foreach (var (read, _, _) in pending)
            await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return failure is null ? Convert.ToHexStringLower(sum.GetHashAndReset()) : failure;
    }
}
