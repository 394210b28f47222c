namespace Thaw.Daemon.Configuration;

/// <summary>A value of a YAML document with its line, from 1.</summary>
internal abstract record YamlValue(int Line)
{
    /// <summary>Number of values in it, itself included, with aliases counted as often as they are used.</summary>
    public required int Weight { get; init; }

    /// <summary>What it is, for a sentence.</summary>
    public abstract string Kind { get; }
}

/// <summary>A text, number or truth value, as written.</summary>
/// <param name="Plain">Not quoted: only plain text can mean null.</param>
internal sealed record YamlScalar(int Line, string Text, bool Plain) : YamlValue(Line)
{
    /// <summary>Nothing was written, or a plain null.</summary>
    public bool IsNull => Plain && Text is "" or "~" or "null";

    public override string Kind => IsNull ? "nothing" : $"\"{Text}\"";
}

/// <summary>A list.</summary>
internal sealed record YamlList(int Line, IReadOnlyList<YamlValue> Items) : YamlValue(Line)
{
    public override string Kind => "a list";
}

/// <summary>A mapping, in order of writing; merge keys are already merged, doubled keys are not here.</summary>
internal sealed record YamlMap(int Line, IReadOnlyList<YamlEntry> Entries) : YamlValue(Line)
{
    public override string Kind => "a group of options";
}

/// <summary>One key of a mapping.</summary>
internal sealed record YamlEntry(string Key, int Line, YamlValue Value);
