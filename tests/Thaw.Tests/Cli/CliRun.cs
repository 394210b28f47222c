using Thaw.Cli;
using Xunit;

namespace Thaw.Tests.Cli;

/// <summary>One run of the command line with captured streams.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error)
{
    public static async Task<CliRun> ExecuteAsync(
        IReadOnlyList<string> arguments, Func<string, string?>? variable = null,
        CancellationToken cancellationToken = default)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal
        {
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            Variable = variable ?? (_ =>
                null),
        };
        using var limit =
            CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, TestContext.Current.CancellationToken);
        var code = await ThawCommand.RunAsync(arguments, terminal, limit.Token)
            .WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
