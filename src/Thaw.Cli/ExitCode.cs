namespace Thaw.Cli;

/// <summary>Exit codes of every verb.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>It was tried and failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line cannot be right.</summary>
    public const int Usage = 2;

    /// <summary>The node does not answer.</summary>
    public const int NotReachable = 3;

    /// <summary>The node wants another token.</summary>
    public const int NotAuthorised = 4;

    /// <summary>No such mount, object or job.</summary>
    public const int NotFound = 5;
}

/// <summary>Why a verb ends without its result.</summary>
/// <param name="ExitCode">One of <see cref="Cli.ExitCode"/>.</param>
/// <param name="Sentence">What, where, what to do.</param>
internal sealed record CliFailure(int ExitCode, string Sentence);

/// <summary>A value, or why there is none.</summary>
internal readonly record struct Reply<T>(T? Value, CliFailure? Failure)
{
    public static implicit operator Reply<T>(T value) => new(value, null);

    public static implicit operator Reply<T>(CliFailure failure) => new(default, failure);
}
