using Microsoft.Extensions.Logging;

namespace Thaw.Storage.Names;

/// <summary>
/// Opens a log: reads what is good, cuts a torn tail, sets a file aside that is no log of this mount. Nothing that
/// might be good is wiped, and a newer format is left as it is.
/// </summary>
internal static partial class NameLogOpening
{
    /// <summary>
    /// The names in the log, and the file to go on with; no file if the log is of a newer format, with the reason.
    /// A log that cannot be read now is left alone until it can be written: then it is replaced, having been set aside.
    /// </summary>
    public static (NamePages Names, NameLogFile? File, string? Refusal) Open(
        string mount, string path, ILogger logger)
    {
        var log = new NameLogFile(path, mount);
        try
        {
            return Read(mount, path, log, logger);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(logger, mount, path, failure.Message);
            log.Dispose();
            var refusal = $"The names log {path} cannot be read ({failure.Message}); "
                + "names are kept in memory only until the node is started again.";
            return (NamePages.Empty, null, refusal);
        }
    }

    private static (NamePages, NameLogFile?, string?) Read(
        string mount, string path, NameLogFile log, ILogger logger)
    {
        if (!File.Exists(path))
            return (NamePages.Empty, log, null);
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        var adopted = false;
        try
        {
            Span<byte> header = stackalloc byte[NameLogHeader.Bytes];
            var length = RandomAccess.Read(file, header, 0);
            var verdict = NameLogHeader.Read(header[..length], mount, out var format);
            if (verdict == NameLogHeader.Verdict.Newer)
            {
                LogNewerFormat(logger, mount, path, format);
                var refusal = $"The names log {path} has format {format}, which is newer than this program's "
                    + $"({NameLogHeader.Format}); it is left untouched and names are kept in memory only: run a newer "
                    + "thaw.";
                return (NamePages.Empty, null, refusal);
            }

            var contents = verdict == NameLogHeader.Verdict.OtherMount
                ? new NameLogContents()
                : new NameLogReader(file, mount).Read();
            if (verdict != NameLogHeader.Verdict.Good && contents.Records == 0)
            {
                SetAside(mount, path, RandomAccess.GetLength(file), logger);
                return (NamePages.Empty, log, null);
            }

            var isDamaged = verdict != NameLogHeader.Verdict.Good || contents.DamagedStretches > 0;
            Report(mount, path, contents, isDamaged, logger);
            adopted = true;
            log.Adopt(file, contents.End, contents.TornBytes > 0, isDamaged);
            return (contents.Names.ToPages(), log, null);
        }
        finally
        {
            if (!adopted)
                file.Dispose();
        }
    }

    private static void SetAside(string mount, string path, long length, ILogger logger)
    {
        if (length == 0)
            return;
        var aside = path + ".unreadable";
        File.Move(path, aside, overwrite: true);
        LogSetAside(logger, mount, path, aside);
    }

    private static void Report(string mount, string path, NameLogContents contents, bool isDamaged, ILogger logger)
    {
        if (contents.TornBytes > 0)
            LogTorn(logger, mount, path, contents.TornBytes, contents.Names.Count);
        if (isDamaged)
            LogDamaged(logger, mount, path, contents.DamagedStretches, contents.DamagedBytes, contents.Names.Count);
    }
}
