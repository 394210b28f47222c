using System.Text.Json.Serialization;
using Thaw.Cli.Demo;
using Thaw.Cli.Pulling;
using Thaw.Core.Api;
using Thaw.Daemon.Checks;

namespace Thaw.Cli;

/// <summary>Where a started node listens.</summary>
internal sealed record ServeReport(string Node, string S3, string Control);

/// <summary>All jobs.</summary>
internal sealed record JobsReport(IReadOnlyList<JobStatus> Jobs);

/// <summary>All mounts.</summary>
internal sealed record MountsReport(IReadOnlyList<MountStatus> Mounts);

/// <summary>What is wrong with a file.</summary>
internal sealed record CheckReport(string File, bool Ok, IReadOnlyList<CheckError> Errors);

/// <summary>One error of a file.</summary>
internal sealed record CheckError(int Line, string Key, string Sentence);

/// <summary>Options.</summary>
internal sealed record OptionsReport(IReadOnlyList<OptionReport> Options);

/// <summary>One option.</summary>
internal sealed record OptionReport(
    string Key, string Kind, string Unit, string Default, bool Required, string Bounds, string Reason, string Change);

/// <summary>What the doctor found.</summary>
/// <param name="Ok">No check failed.</param>
/// <param name="Checks">All checks in their order.</param>
internal sealed record DoctorReport(bool Ok, IReadOnlyList<Check> Checks);

/// <summary>A problem document (RFC 9457), as far as it is shown.</summary>
internal sealed record Problem(string? Title, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ServeReport))]
[JsonSerializable(typeof(JobsReport))]
[JsonSerializable(typeof(MountsReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(OptionsReport))]
[JsonSerializable(typeof(PullReport))]
[JsonSerializable(typeof(DemoReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(SafetensorsIndex))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class CliJson : JsonSerializerContext;
