using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.S3;

/// <summary>
/// ListObjects (V1) and ListObjectsV2: one page of the mount's keys becomes one answer, written as it goes.
/// </summary>
internal sealed class ListOperations(IModelReader models)
{
    /// <summary>
    /// A listing is sent in pieces of this many entries, 30 KiB of ordinary keys: the transport need not hold it whole.
    /// </summary>
    private const int FlushEntries = 100;

    /// <summary>Answers a listing.</summary>
    public async ValueTask ListAsync(S3Exchange exchange, MountName mount)
    {
        if (ListQuery.Parse(exchange.Target.Query, out var error) is not { } query)
        {
            await exchange.FailAsync(error!);
            return;
        }

        var page = new ListPage([], false);
        if (query.MaxKeys > 0)
        {
            var request = new ListRequest(query.Prefix, query.Delimiter, query.StartAfter, query.MaxKeys);
            var listed = await models.ListAsync(mount.Name, request, exchange.Aborted);
            if (!listed.TryGet(out page, out var failure))
            {
                await exchange.FailAsync(S3Error.From(failure));
                return;
            }
        }

        if ((error = PageError(page, query)) is not null)
            await exchange.FailAsync(error);
        else
            await WriteAsync(exchange, query, page);
    }

    private static S3Error? PageError(ListPage page, ListQuery query)
    {
        if (page.IsTruncated && page.Entries.IsEmpty)
            return S3Error.From(
                new Failure(FailureKind.OriginProtocol, "The origin's listing has an empty page in it."));
        if (query.UrlEncoding)
            return null;
        var legal = S3Xml.IsLegal(query.Prefix) && S3Xml.IsLegal(query.Delimiter ?? "")
            && S3Xml.IsLegal(query.Begin ?? "");
        foreach (var entry in page.Entries)
            legal = legal && S3Xml.IsLegal(entry.Key);
        return legal
            ? null
            : S3Error.InvalidArgument("encoding-type", "",
                "A key holds characters that XML cannot: list with encoding-type=url.");
    }

    private static async ValueTask WriteAsync(S3Exchange exchange, ListQuery query, ListPage page)
    {
        var unflushed = 0;
        var xml = (await exchange.BeginXmlAsync()).OpenRoot("ListBucketResult"u8);
        WriteHead(xml, exchange.Target.Bucket, query, page);
        foreach (var entry in page.Entries)
        {
            if (entry.IsCommonPrefix)
                xml.Open("CommonPrefixes"u8).Element("Prefix"u8, Coded(entry.Key, query)).Close("CommonPrefixes"u8);
            else
                WriteKey(xml, entry, query);
            if (++unflushed < FlushEntries)
                continue;
            unflushed = 0;
            await exchange.FlushAsync();
        }

        xml.Close("ListBucketResult"u8);
        await exchange.FlushAsync();
    }

    private static void WriteHead(S3Xml xml, string bucket, ListQuery query, ListPage page)
    {
        xml.Element("Name"u8, bucket).Element("Prefix"u8, Coded(query.Prefix, query));
        if (query.Delimiter is not null)
            xml.Element("Delimiter"u8, Coded(query.Delimiter, query));
        xml.Element("MaxKeys"u8, query.MaxKeys).Element("IsTruncated"u8, page.IsTruncated);
        if (query.UrlEncoding)
            xml.Element("EncodingType"u8, "url");
        if (query.IsV2)
            WriteV2Head(xml, query, page);
        else
            WriteV1Head(xml, query, page);
    }

    private static void WriteV2Head(S3Xml xml, ListQuery query, ListPage page)
    {
        xml.Element("KeyCount"u8, page.Entries.Length);
        if (query.Token is not null)
            xml.Element("ContinuationToken"u8, query.Token);
        if (query.Begin is not null)
            xml.Element("StartAfter"u8, Coded(query.Begin, query));
        if (page.IsTruncated)
            xml.Element("NextContinuationToken"u8, ContinuationToken.Write(page.Entries[^1].ResumeAfter));
    }

    /// <summary>NextMarker only stands where a delimiter was given; else the last key is the next marker.</summary>
    private static void WriteV1Head(S3Xml xml, ListQuery query, ListPage page)
    {
        xml.Element("Marker"u8, Coded(query.Begin ?? "", query));
        if (page.IsTruncated && query.Delimiter is not null)
            xml.Element("NextMarker"u8, Coded(page.Entries[^1].Key, query));
    }

    private static void WriteKey(S3Xml xml, ListEntry entry, ListQuery query)
    {
        xml.Open("Contents"u8).Element("Key"u8, Coded(entry.Key, query)).Element("LastModified"u8, entry.LastModified);
        xml.Element("ETag"u8, entry.ETag).Element("Size"u8, entry.SizeBytes).Element("StorageClass"u8, "STANDARD");
        xml.Close("Contents"u8);
    }

    private static string Coded(string text, ListQuery query) => query.UrlEncoding ? S3Xml.UrlEncode(text) : text;
}
