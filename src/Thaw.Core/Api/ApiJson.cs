using System.Text.Json.Serialization;

namespace Thaw.Core.Api;

/// <summary>Source-generated JSON of the control API: camelCase, nulls written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(NodeStats))]
[JsonSerializable(typeof(ClusterStatus))]
[JsonSerializable(typeof(IReadOnlyList<MountStatus>))]
[JsonSerializable(typeof(ObjectPage))]
[JsonSerializable(typeof(ObjectStatus))]
[JsonSerializable(typeof(JobRequest))]
[JsonSerializable(typeof(JobStatus))]
[JsonSerializable(typeof(IReadOnlyList<JobStatus>))]
[JsonSerializable(typeof(PathsRequest))]
[JsonSerializable(typeof(FreeResult))]
[JsonSerializable(typeof(PinResult))]
[JsonSerializable(typeof(PosixRequest))]
[JsonSerializable(typeof(PosixStatus))]
[JsonSerializable(typeof(ReadyStatus))]
public sealed partial class ApiJson : JsonSerializerContext;
