using System.Globalization;
using Thaw.Core.Identity;

namespace Thaw.Origins.Directory;

/// <summary>What tells versions of a file apart: device, inode, size, and the moments of its last changes.</summary>
internal readonly record struct FileStamp(
    uint DeviceMajor, uint DeviceMinor, ulong Inode, long SizeBytes,
    long ModifiedSeconds, uint ModifiedNanoseconds, long ChangedSeconds, uint ChangedNanoseconds)
{
    /// <summary>Takes what stat says.</summary>
    public static FileStamp From(in Libc.Statx stat) => new(
        stat.DeviceMajor, stat.DeviceMinor, stat.Inode, (long)stat.Size,
        stat.ModifiedSeconds, stat.ModifiedNanoseconds, stat.ChangedSeconds, stat.ChangedNanoseconds);

    /// <summary>Identity of the version.</summary>
    public ContentId Id => ContentId.Derive(
        "file", $"{DeviceMajor}:{DeviceMinor}", Text(Inode), Text(SizeBytes),
        $"{ModifiedSeconds}.{ModifiedNanoseconds:D9}", $"{ChangedSeconds}.{ChangedNanoseconds:D9}");

    /// <summary>
    /// 32 hexadecimal digits of the identity with the suffix of a multipart ETag: S3 clients would take 32 digits alone
    /// for the MD5 of the bytes and fail the download.
    /// </summary>
    public string ETag => ETagOf(Id);

    /// <summary>The moment that users see.</summary>
    public DateTimeOffset LastModified => DateTimeOffset.FromUnixTimeSeconds(ModifiedSeconds);

    /// <summary>The version of a file with this stamp.</summary>
    public ObjectVersion ToVersion()
    {
        var id = Id;
        return new ObjectVersion
        {
            Id = id,
            SizeBytes = SizeBytes,
            ETag = ETagOf(id),
            LastModified = LastModified,
            IsWeak = true,
        };
    }

    private static string ETagOf(ContentId id) => $"\"{id.ToString()[..32]}-1\"";

    private static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
