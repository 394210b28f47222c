using System.Text;
using Microsoft.AspNetCore.Http;

namespace Thaw.Endpoints.S3;

/// <summary>
/// One request and its answer: what every operation needs, and the two ways to answer without an object.
/// </summary>
internal sealed class S3Exchange(HttpContext http, S3Target target, string requestId)
{
    /// <summary>The server's context.</summary>
    public HttpContext Http => http;

    /// <summary>Bucket, key and query.</summary>
    public S3Target Target => target;

    /// <summary>Identity of the request, in every answer.</summary>
    public string RequestId => requestId;

    /// <summary>Cancelled when the client goes away or the server stops at once.</summary>
    public CancellationToken Aborted => http.RequestAborted;

    /// <summary>Whether only headers are wanted.</summary>
    public bool IsHead => HttpMethods.IsHead(http.Request.Method);

    /// <summary>Starts an XML answer. HEAD has none; ask <see cref="IsHead"/> first.</summary>
    public async ValueTask<S3Xml> BeginXmlAsync()
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = "application/xml";
        await http.Response.StartAsync(Aborted);
        return new S3Xml(http.Response.BodyWriter).Begin();
    }

    /// <summary>Sends what was written of an XML answer.</summary>
    public async ValueTask FlushAsync() => await http.Response.BodyWriter.FlushAsync(Aborted);

    /// <summary>Answers with an error: status and headers, and for all but HEAD the XML body.</summary>
    public ValueTask FailAsync(S3Error error) =>
        WriteErrorAsync(http, error, requestId, http.Request.Path.HasValue ? ResourceOf(target) : "/");

    /// <summary>Answers with an error, also where the target could not be read.</summary>
    public static async ValueTask WriteErrorAsync(HttpContext http, S3Error error, string requestId, string resource)
    {
        var response = http.Response;
        response.StatusCode = error.Status;
        foreach (var (name, value) in error.Headers)
            response.Headers[name] = value;
        if (HttpMethods.IsHead(http.Request.Method))
            return;
        var body = new System.Buffers.ArrayBufferWriter<byte>(512);
        var xml = new S3Xml(body).Begin().Open("Error"u8);
        xml.Element("Code"u8, error.Code).Element("Message"u8, error.Message);
        foreach (var (name, value) in error.Details)
            xml.Element(Encoding.ASCII.GetBytes(name), value);
        xml.Element("Resource"u8, resource).Element("RequestId"u8, requestId).Close("Error"u8);
        response.ContentType = "application/xml";
        response.ContentLength = body.WrittenCount;
        await response.BodyWriter.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }

    private static string ResourceOf(S3Target target) =>
        target.Bucket.Length == 0 ? "/"
        : target.Key.Length == 0 ? $"/{target.Bucket}"
        : $"/{target.Bucket}/{target.Key}";
}
