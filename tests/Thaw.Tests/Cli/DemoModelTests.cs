using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using Thaw.Cli.Demo;
using Xunit;

namespace Thaw.Tests.Cli;

public sealed class DemoModelTests
{
    [Fact]
    public async Task The_model_is_valid_safetensors_and_readers_see_every_byte()
    {
        var directory = Path.Combine(Path.GetTempPath(), $"thaw-model-{Guid.NewGuid():N}");
        try
        {
            var files = await ModelWriter.WriteAsync(directory, 20 << 20, 3, TestContext.Current.CancellationToken);
            Assert.Equal(4, files.Count);
            await using var node = await FakeNode.StartAsync();
            foreach (var file in files)
            {
                var bytes = await File.ReadAllBytesAsync(Path.Combine(directory, file.Key));
                Assert.Equal(
                    (file.Bytes, file.Sha256), (bytes.LongLength, Convert.ToHexStringLower(SHA256.HashData(bytes))));
                if (file.Key.EndsWith(".safetensors", StringComparison.Ordinal))
                    AssertSafetensors(bytes);
                node.Objects[file.Key] = bytes;
            }

            AssertIndex(node.Objects["model.safetensors.index.json"], files);
            Assert.Equal(files.OrderBy(file => file.Key, StringComparer.Ordinal),
                await ModelWriter.ReadAsync(directory, TestContext.Current.CancellationToken));
            long read = 0;
            var reader =
                new ModelReader(new Uri(node.Url), "bucket-of-models", TimeProvider.System, bytes => read += bytes);
            Assert.True((await reader.ReadAsync(files, TestContext.Current.CancellationToken)).Value);
            Assert.Equal(files.Sum(file => file.Bytes), read);
            node.Objects[files[1].Key][^1] ^= 1;
            Assert.False((await reader.ReadAsync(files, TestContext.Current.CancellationToken)).Value);
            node.Objects.TryRemove(files[2].Key, out _);
            Assert.NotNull((await reader.ReadAsync(files, TestContext.Current.CancellationToken)).Failure);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void AssertSafetensors(byte[] bytes)
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        long end = 0;
        foreach (var tensor in header.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
        {
            var offsets = tensor.Value.GetProperty("data_offsets");
            var shape = tensor.Value.GetProperty("shape");
            Assert.Equal(end, offsets[0].GetInt64());
            end = offsets[1].GetInt64();
            Assert.Equal(end - offsets[0].GetInt64(), shape[0].GetInt64() * shape[1].GetInt64() * 2);
        }

        Assert.Equal(bytes.Length - 8 - length, end);
    }

    private static void AssertIndex(byte[] json, IReadOnlyList<ModelFile> files)
    {
        using var index = JsonDocument.Parse(json);
        var map = index.RootElement.GetProperty("weight_map").EnumerateObject().ToList();
        Assert.Equal(12, map.Count);
        Assert.All(map, entry => Assert.Contains(files, file => file.Key == entry.Value.GetString()));
    }
}
