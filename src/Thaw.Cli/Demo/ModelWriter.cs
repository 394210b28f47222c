using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Thaw.Cli.Demo;

/// <summary>
/// Makes a sharded safetensors model of random weights: nothing about it can be compressed or guessed. The format is
/// the length of a JSON header (8 bytes, little endian), the header, and the tensors
/// (https://huggingface.co/docs/safetensors/index#format).
/// </summary>
internal static class ModelWriter
{
    private const int Columns = 4096;
    private const int RowBytes = Columns * 2; // BF16
    private const int TensorsPerShard = 4;
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes the model; the shards and the index with their sums.</summary>
    public static async Task<IReadOnlyList<ModelFile>> WriteAsync(
        string directory, long sizeBytes, int shards, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        var rows = Math.Max(TensorsPerShard, sizeBytes / shards / RowBytes);
        var files = new ModelFile[shards + 1];
        var options = new ParallelOptions
        { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, shards, options, async (shard, token) =>
            files[shard] = await WriteShardAsync(directory, Name(shard, shards), shard, rows, token));
        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var shard = 0; shard < shards; shard++)
            for (var tensor = 0; tensor < TensorsPerShard; tensor++)
                map[TensorName(shard, tensor)] = Name(shard, shards);
        var index =
            new SafetensorsIndex(new Dictionary<string, long> { ["total_size"] = rows * RowBytes * shards }, map);
        var json = JsonSerializer.SerializeToUtf8Bytes(index, CliJson.Default.SafetensorsIndex);
        const string name = "model.safetensors.index.json";
        await File.WriteAllBytesAsync(Path.Combine(directory, name), json, cancellationToken);
        files[shards] = new ModelFile(name, json.Length, Convert.ToHexStringLower(SHA256.HashData(json)));
        return files;
    }

    /// <summary>The files of a model that is there already, with their sums.</summary>
    public static async Task<IReadOnlyList<ModelFile>> ReadAsync(string directory, CancellationToken cancellationToken)
    {
        var files = new List<ModelFile>();
        foreach (var file in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
        {
            await using var stream = new FileStream(
                file, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes, FileOptions.SequentialScan);
            var sum = await SHA256.HashDataAsync(stream, cancellationToken);
            files.Add(new ModelFile(
                Path.GetRelativePath(directory, file), stream.Length, Convert.ToHexStringLower(sum)));
        }

        return files;
    }

    /// <summary>
    /// The header of a shard, with its length in front, padded so that tensors are aligned to 8 bytes.
    /// </summary>
    internal static byte[] Header(int shard, long rows)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long at = 0;
            for (var tensor = 0; tensor < TensorsPerShard; tensor++)
            {
                var count = rows / TensorsPerShard + (tensor == 0 ? rows % TensorsPerShard : 0);
                WriteTensor(json, TensorName(shard, tensor), count, at);
                at += count * RowBytes;
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        var header = buffer.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    private static void WriteTensor(Utf8JsonWriter json, string name, long rows, long at)
    {
        json.WriteStartObject(name);
        json.WriteString("dtype", "BF16");
        json.WriteStartArray("shape");
        json.WriteNumberValue(rows);
        json.WriteNumberValue(Columns);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(at);
        json.WriteNumberValue(at + rows * RowBytes);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static async Task<ModelFile> WriteShardAsync(
        string directory, string name, int shard, long rows, CancellationToken cancellationToken)
    {
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var file =
            new FileStream(Path.Combine(directory, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, 0);
        var header = Header(shard, rows);
        sum.AppendData(header);
        await file.WriteAsync(header, cancellationToken);
        // A Random without a seed is xoshiro256**, which fills gigabytes a second; weights need not be the same twice.
        var random = new Random();
        var buffer = new byte[BufferBytes];
        for (var left = rows * RowBytes; left > 0;)
        {
            var part = buffer.AsMemory(0, (int)Math.Min(left, buffer.Length));
            random.NextBytes(part.Span);
            sum.AppendData(part.Span);
            await file.WriteAsync(part, cancellationToken);
            left -= part.Length;
        }

        return new ModelFile(name, file.Length, Convert.ToHexStringLower(sum.GetHashAndReset()));
    }

    private static string Name(int shard, int shards) =>
        string.Create(CultureInfo.InvariantCulture, $"model-{shard + 1:00000}-of-{shards:00000}.safetensors");

    private static string TensorName(int shard, int tensor) =>
        string.Create(CultureInfo.InvariantCulture, $"model.layers.{shard}.block.{tensor}.weight");
}
