using Thaw.Core.Failures;

namespace Thaw.Origins.Directory;

/// <summary>From errno to failures.</summary>
internal static class DirectoryFailures
{
    /// <summary>Maps a positive errno at a file or directory below the root.</summary>
    public static Failure From(int errno, string key, string where) => errno switch
    {
        Libc.Enoent or Libc.Enotdir or Libc.Enametoolong => NotFound(key, where),
        Libc.Eacces or Libc.Eperm => new Failure(FailureKind.AccessDenied,
            $"Thaw may not read {key} below {where}; check the file's permissions."),
        Libc.Exdev or Libc.Eloop => new Failure(FailureKind.AccessDenied,
            $"{key} is or goes through a symbolic link that is absolute, circular or leads out of {where}; use "
                + "relative links within it."),
        Libc.Enosys => new Failure(FailureKind.NotImplemented,
            $"{where} cannot be read safely: this kernel has no openat2, which came with Linux 5.6."),
        _ => new Failure(
            FailureKind.OriginUnavailable, $"{key} below {where} cannot be read (errno {errno}).", RetryAdvice.Later),
    };

    /// <summary>Maps a positive errno at the root itself: a lost mount must not look like deleted objects.</summary>
    public static Failure FromRoot(int errno, string where) => errno is Libc.Eacces or Libc.Eperm
        ? new Failure(FailureKind.AccessDenied, $"Thaw may not enter {where}; check its permissions.")
        : new Failure(FailureKind.OriginUnavailable,
            $"The directory of {where} cannot be opened (errno {errno}); is it mounted?", RetryAdvice.Later);

    /// <summary>No regular file of that name.</summary>
    public static Failure NotFound(string key, string where) =>
        new(FailureKind.NotFound, $"There is no file {key} below {where}.");

    /// <summary>Another version than the one that was asked for.</summary>
    public static Failure Changed(string key, string where) =>
        new(FailureKind.VersionChanged, $"{key} changed below {where} while it was read.");
}
