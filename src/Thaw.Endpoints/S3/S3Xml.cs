using System.Buffers;
using System.Globalization;
using System.Text;

namespace Thaw.Endpoints.S3;

/// <summary>
/// Writes XML 1.0 as UTF-8 straight into a buffer writer: elements without attributes, as S3 answers have them. Names
/// come from this program and are ASCII; only text is escaped.
/// </summary>
internal sealed class S3Xml(IBufferWriter<byte> output)
{
    private const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/";

    private static readonly SearchValues<byte> Plain = SearchValues.Create(Encoding.ASCII.GetBytes(Unreserved));

    /// <summary>Begins the document with its declaration.</summary>
    public S3Xml Begin()
    {
        output.Write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"u8);
        return this;
    }

    /// <summary>Opens the root element in the S3 namespace.</summary>
    public S3Xml OpenRoot(ReadOnlySpan<byte> name)
    {
        output.Write("<"u8);
        output.Write(name);
        output.Write(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"u8);
        return this;
    }

    /// <summary>Opens an element.</summary>
    public S3Xml Open(ReadOnlySpan<byte> name)
    {
        output.Write("<"u8);
        output.Write(name);
        output.Write(">"u8);
        return this;
    }

    /// <summary>Closes an element.</summary>
    public S3Xml Close(ReadOnlySpan<byte> name)
    {
        output.Write("</"u8);
        output.Write(name);
        output.Write(">"u8);
        return this;
    }

    /// <summary>An element with text.</summary>
    public S3Xml Element(ReadOnlySpan<byte> name, string text)
    {
        Open(name);
        Text(text);
        return Close(name);
    }

    /// <summary>An element with a number.</summary>
    public S3Xml Element(ReadOnlySpan<byte> name, long number)
    {
        Open(name);
        var span = output.GetSpan(20);
        number.TryFormat(span, out var written, provider: CultureInfo.InvariantCulture);
        output.Advance(written);
        return Close(name);
    }

    /// <summary>An element with <c>true</c> or <c>false</c>.</summary>
    public S3Xml Element(ReadOnlySpan<byte> name, bool value)
    {
        Open(name);
        output.Write(value ? "true"u8 : "false"u8);
        return Close(name);
    }

    /// <summary>An element with a time as S3 writes it: UTC with milliseconds.</summary>
    public S3Xml Element(ReadOnlySpan<byte> name, DateTimeOffset time) =>
        Element(name, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    /// <summary>Whether every character may stand in XML 1.0, if need be as a reference (XML 1.0, 2.2).</summary>
    public static bool IsLegal(string text)
    {
        foreach (var rune in text.EnumerateRunes())
            if (!IsLegal(rune.Value))
                return false;
        return true;
    }

    /// <summary>
    /// Percent-encodes all but unreserved characters and the slash, as <c>encoding-type=url</c> wants it.
    /// </summary>
    public static string UrlEncode(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!bytes.AsSpan().ContainsAnyExcept(Plain))
            return text;
        var encoded = new StringBuilder(bytes.Length * 2);
        foreach (var value in bytes)
            if (Plain.Contains(value))
                encoded.Append((char)value);
            else
                encoded.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
        return encoded.ToString();
    }

    private static bool IsLegal(int value) =>
        value is '\t' or '\n' or '\r' or (>= 0x20 and <= 0xFFFD) or >= 0x10000;

    private void Text(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            var span = output.GetSpan(16);
            int written;
            switch (rune.Value)
            {
                case '&': written = Copy("&amp;"u8, span); break;
                case '<': written = Copy("&lt;"u8, span); break;
                case '>': written = Copy("&gt;"u8, span); break;
                case '"': written = Copy("&quot;"u8, span); break;
                case '\t': written = Copy("&#x9;"u8, span); break;
                case '\n': written = Copy("&#xA;"u8, span); break;
                case '\r': written = Copy("&#xD;"u8, span); break;
                default: written = (IsLegal(rune.Value) ? rune : Rune.ReplacementChar).EncodeToUtf8(span); break;
            }

            output.Advance(written);
        }
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        text.CopyTo(destination);
        return text.Length;
    }
}
