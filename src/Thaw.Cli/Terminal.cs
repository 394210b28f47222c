using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace Thaw.Cli;

/// <summary>What a verb sees of the outside: its streams, its environment and the clock.</summary>
internal sealed record Terminal
{
    // Plain output is never wrapped: other programs read it.
    private const int PlainWidth = 4096;

    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, logs and errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Error"/> is a terminal that can be repainted.</summary>
    public bool Live { get; init; }

    /// <summary>Width of <see cref="Out"/> in columns.</summary>
    public int Width { get; init; } = PlainWidth;

    /// <summary>One variable of the environment.</summary>
    public Func<string, string?> Variable { get; init; } = _ => null;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>This process's own streams.</summary>
    public static Terminal System() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        Live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
        Width = Console.IsOutputRedirected || Console.WindowWidth <= 0 ? PlainWidth : Console.WindowWidth,
        Variable = Environment.GetEnvironmentVariable,
    };

    /// <summary>Tells a failure in one line and returns its exit code.</summary>
    public int Fail(CliFailure failure)
    {
        Error.WriteLine($"thaw: {failure.Sentence}");
        return failure.ExitCode;
    }

    /// <summary>Writes one JSON object on one line.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) => Out.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>Writes a table without lines; the first column to the left, numbers as the columns say.</summary>
    public void WriteTable(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows, int textColumns = 1)
    {
        var table = new Table().NoBorder().ShowHeaders();
        for (var index = 0; index < columns.Count; index++)
        {
            var column = new TableColumn(Markup.Escape(columns[index])).NoWrap();
            table.AddColumn(index < textColumns ? column : column.RightAligned());
        }

        foreach (var row in rows)
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Out),
        });
        console.Profile.Width = Width;
        console.Write(table);
    }
}
