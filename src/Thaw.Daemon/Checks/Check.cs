using System.Text.Json.Serialization;

namespace Thaw.Daemon.Checks;

/// <summary>How a check ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CheckState>))]
public enum CheckState
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Thaw works, but not as well as it could.</summary>
    [JsonStringEnumMemberName("warn")]
    Warn,

    /// <summary>Thaw does not work, or loses what it should keep.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>One line of the doctor.</summary>
/// <param name="Name">What was checked: <c>disk speed</c>.</param>
/// <param name="State">How it ended.</param>
/// <param name="Where">The directory, file or URL.</param>
/// <param name="Found">What was found.</param>
/// <param name="Advice">What to do; empty when it is ok.</param>
public sealed record Check(string Name, CheckState State, string Where, string Found, string Advice)
{
    internal static Check Ok(string name, string where, string found) => new(name, CheckState.Ok, where, found, "");

    internal static Check Warn(string name, string where, string found, string advice) =>
        new(name, CheckState.Warn, where, found, advice);

    internal static Check Fail(string name, string where, string found, string advice) =>
        new(name, CheckState.Fail, where, found, advice);
}
