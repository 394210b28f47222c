using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Endpoints.S3;

/// <summary>GetObject and HeadObject. The order is: resolve, conditions, range, first block, headers, rest.</summary>
internal sealed class ObjectOperations(IModelReader models, S3Throttle? throttle, TimeProvider time, ILogger logger)
{
    /// <summary>Most parts of a multipart upload (Amazon S3 user guide, multipart limits).</summary>
    private const int MostParts = 10_000;

    private static readonly string[] OtherFeatures =
        ["acl", "attributes", "legal-hold", "retention", "tagging", "torrent", "uploadId", "select", "restore"];

    /// <summary>Answers GET and HEAD of a key.</summary>
    public async ValueTask ReadAsync(S3Exchange exchange, MountName mount)
    {
        var (target, headers) = (exchange.Target, exchange.Http.Request.Headers);
        if (target.Query.TryFindAny(OtherFeatures, out var feature))
        {
            await exchange.FailAsync(S3Error.NotImplemented(feature));
            return;
        }

        var path = new ObjectPath(mount.Name, target.Key);
        var resolved = await models.ResolveAsync(path, exchange.Aborted);
        if (!resolved.TryGet(out var version, out var failure))
        {
            await exchange.FailAsync(S3Error.From(failure) with { Details = [("Key", target.Key)] });
            return;
        }

        if (VersionError(target.Query["versionId"]) is { } noVersion)
        {
            await exchange.FailAsync(noVersion);
            return;
        }

        switch (Conditions.Evaluate(headers, version, out var condition))
        {
            case ConditionOutcome.Failed:
                await exchange.FailAsync(S3Error.PreconditionFailed(condition));
                return;
            case ConditionOutcome.NotModified:
                exchange.Http.Response.StatusCode = StatusCodes.Status304NotModified;
                ObjectHeaders.WriteValidators(exchange.Http.Response.Headers, version);
                return;
        }

        var error = ChooseRange(headers, target.Query, version, out var range, out var isPart);
        if (error is not null)
            await exchange.FailAsync(error);
        else if (exchange.IsHead)
            await HeadAsync(exchange, version, range, isPart);
        else
            await SendAsync(exchange, path, version, range, isPart);
    }

    private static S3Error? VersionError(string? versionId) => versionId is null or "null"
        ? null
        : new S3Error(
            "NoSuchVersion", StatusCodes.Status404NotFound, "Mounts have no older versions: leave versionId out.");

    private static S3Error? ChooseRange(
        IHeaderDictionary headers, S3Query query, ObjectVersion version, out ByteRange range, out bool isPart)
    {
        var size = version.SizeBytes;
        range = ByteRange.All(size);
        isPart = false;
        var header = headers.Range.Count == 0 ? null : headers.Range.ToString();
        if (query["partNumber"] is { } text)
        {
            isPart = size > 0;
            return PartError(text, header);
        }

        if (header is null || !Conditions.RangeCounts(headers, version))
            return null;
        var outcome = RangeHeader.Apply(header, size, out range);
        isPart = outcome == RangeOutcome.Part;
        return outcome == RangeOutcome.Unsatisfiable ? S3Error.InvalidRange(header, size) : null;
    }

    /// <summary>Thaw keeps no part boundaries: every object is one part.</summary>
    private static S3Error? PartError(string text, string? rangeHeader)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var part)
            || part is 0 or > MostParts)
            return S3Error.InvalidArgument("partNumber", text, $"A part number is an integer from 1 to {MostParts}.");
        if (rangeHeader is not null)
            return new S3Error("InvalidRequest", StatusCodes.Status400BadRequest,
                "Cannot specify both Range header and partNumber query parameter.");
        return part == 1
            ? null
            : new S3Error("InvalidPartNumber", StatusCodes.Status416RangeNotSatisfiable,
                "The requested part number is not satisfiable: the object has one part.");
    }

    private static async ValueTask HeadAsync(S3Exchange exchange, ObjectVersion version, ByteRange range, bool isPart)
    {
        if (WriteHeaders(exchange, version, range, isPart) is { } error)
            await exchange.FailAsync(error);
    }

    private async ValueTask SendAsync(
        S3Exchange exchange, ObjectPath path, ObjectVersion version, ByteRange range, bool isPart)
    {
        await using var reader = models.OpenRange(path, version, range, Face.S3);
        var response = exchange.Http.Response;
        var body = new ObjectBodyWriter(reader, range.Length, exchange.Http, throttle, time);
        if (WriteHeaders(exchange, version, range, isPart) is { } error)
        {
            await exchange.FailAsync(error);
            return;
        }

        if (await body.ReadFirstAsync(exchange.Aborted) is { } failure)
        {
            ClearObjectHeaders(response.Headers);
            await exchange.FailAsync(S3Error.From(failure) with { Details = [("Key", path.Key)] });
            return;
        }

        if (await body.WriteAsync(exchange.Aborted) == BodyOutcome.Failed)
        {
            S3Server.Log.BodyCut(logger, path.ToString(), body.RemainingBytes, body.Failure!.Message);
            exchange.Http.Abort();
        }
    }

    private static S3Error? WriteHeaders(S3Exchange exchange, ObjectVersion version, ByteRange range, bool isPart)
    {
        var response = exchange.Http.Response;
        if (ObjectHeaders.Write(response.Headers, version, exchange.Target.Query) is { } error)
        {
            ClearObjectHeaders(response.Headers);
            return error;
        }

        response.StatusCode = isPart ? StatusCodes.Status206PartialContent : StatusCodes.Status200OK;
        response.ContentLength = range.Length;
        if (isPart)
            response.Headers.ContentRange = $"bytes {range.Start}-{range.End - 1}/{version.SizeBytes}";
        if (range.Length == version.SizeBytes && exchange.Http.Request.Headers["x-amz-checksum-mode"] == "ENABLED")
            ObjectHeaders.WriteSum(response.Headers, version);
        return null;
    }

    /// <summary>An error must not carry the object's headers; the request's identity stays.</summary>
    private static void ClearObjectHeaders(IHeaderDictionary headers)
    {
        var (id, id2) = (headers[S3Application.RequestIdHeader], headers[S3Application.HostIdHeader]);
        headers.Clear();
        (headers[S3Application.RequestIdHeader], headers[S3Application.HostIdHeader]) = (id, id2);
    }
}
