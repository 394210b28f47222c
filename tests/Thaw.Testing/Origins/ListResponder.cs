using System.Globalization;
using System.Text;
using System.Xml;
using Microsoft.AspNetCore.Http;
using Thaw.Core.Identity;

namespace Thaw.Testing.Origins;

/// <summary>
/// ListObjectsV2 as Amazon S3 documents it: prefix, delimiter, start-after, continuation-token, max-keys,
/// encoding-type.
/// </summary>
internal static class ListResponder
{
    public static async Task AnswerAsync(HttpContext context, FaultyOrigin origin, OriginRequest request)
    {
        var query = context.Request.Query;
        string Text(string name) => query[name].ToString();
        var isUrl = Text("encoding-type") == "url";
        var most = int.TryParse(Text("max-keys"), CultureInfo.InvariantCulture, out var asked)
            ? Math.Clamp(asked, 0, 1000)
            : 1000;
        var token = Text("continuation-token");
        var after = token.Length > 0 ? Encoding.UTF8.GetString(Convert.FromBase64String(token)) : Text("start-after");
        var entries = Entries(origin, request.Bucket, Text("prefix"), Text("delimiter"), after).Take(most + 1).ToList();
        var isTruncated = entries.Count > most;
        if (isTruncated)
            entries.RemoveAt(most);

        var body = new StringBuilder();
        using (var xml =
            XmlWriter.Create(body, new XmlWriterSettings { OmitXmlDeclaration = true, CheckCharacters = false }))
        {
            xml.WriteStartElement("ListBucketResult", "http://s3.amazonaws.com/doc/2006-03-01/");
            xml.WriteElementString("Name", request.Bucket);
            xml.WriteElementString("IsTruncated", isTruncated ? "true" : "false");
            xml.WriteElementString("MaxKeys", most.ToString(CultureInfo.InvariantCulture));
            xml.WriteElementString("KeyCount", entries.Count.ToString(CultureInfo.InvariantCulture));
            if (isUrl)
                xml.WriteElementString("EncodingType", "url");
            if (isTruncated)
                xml.WriteElementString("NextContinuationToken", TokenAfter(entries[^1]));
            foreach (var (name, found) in entries)
                Write(xml, isUrl ? Uri.EscapeDataString(name) : name, found);
            xml.WriteEndElement();
        }

        request.Status = 200;
        context.Response.ContentType = "application/xml";
        await context.Response.WriteAsync(body.ToString());
    }

    private static string TokenAfter((string Name, FakeObject? Object) last) =>
        Convert.ToBase64String(Encoding.UTF8.GetBytes(last.Object is null ? last.Name + "\U0010FFFF" : last.Name));

    private static IEnumerable<(string Name, FakeObject? Object)> Entries(
        FaultyOrigin origin, string bucket, string prefix, string delimiter, string after)
    {
        string? rolledUp = null;
        foreach (var found in origin.ObjectsOf(bucket).OrderBy(o => o.Key, KeyOrder.Instance))
        {
            if (!found.Key.StartsWith(prefix, StringComparison.Ordinal) || KeyOrder.Compare(found.Key, after) <= 0)
                continue;
            var at = delimiter.Length == 0 ? -1 : found.Key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal);
            if (at < 0)
                yield return (found.Key, found);
            else if (found.Key[..(at + delimiter.Length)] is var common && common != rolledUp)
                yield return (rolledUp = common, null);
        }
    }

    private static void Write(XmlWriter xml, string name, FakeObject? found)
    {
        xml.WriteStartElement(found is null ? "CommonPrefixes" : "Contents");
        xml.WriteElementString(found is null ? "Prefix" : "Key", name);
        if (found is not null)
        {
            xml.WriteElementString("LastModified",
                found.Options.LastModified.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            xml.WriteElementString("ETag", found.ETag);
            xml.WriteElementString("Size", found.Content.SizeBytes.ToString(CultureInfo.InvariantCulture));
            xml.WriteElementString("StorageClass", "STANDARD");
        }

        xml.WriteEndElement();
    }
}
