namespace Thaw.Cli.Demo;

/// <summary>What the demo measured.</summary>
/// <param name="Ok">The sums match, the origin was read once, and cold is faster than direct.</param>
/// <param name="Nodes">Nodes that took part.</param>
/// <param name="ModelBytes">Size of all files of the model.</param>
/// <param name="OriginBytes">Body bytes that Thaw read from the origin.</param>
/// <param name="Sha256Match">Every file of every reader has the sha256 of the original.</param>
/// <param name="ColdSeconds">Three readers at once through an empty Thaw, until the last has all bytes checked.</param>
/// <param name="WarmSeconds">The same again.</param>
/// <param name="DirectSeconds">The same three straight from the origin.</param>
/// <param name="HitRatio">1 - origin bytes / served bytes, of the cold and the warm run together.</param>
/// <param name="Readers">Readers at once.</param>
/// <param name="OriginRequests">Requests that Thaw sent to the origin.</param>
/// <param name="ServedBytes">Bytes that Thaw served.</param>
/// <param name="EgressSavedBytes">Bytes that the origin did not have to send.</param>
/// <param name="OriginBytesPerSecond">The cap of the origin.</param>
/// <param name="Version">Version of Thaw.</param>
/// <param name="Failures">Why it is not ok, a sentence each; empty when it is.</param>
internal sealed record DemoReport(
    bool Ok, int Nodes, long ModelBytes, long OriginBytes, bool Sha256Match, double ColdSeconds, double WarmSeconds,
    double DirectSeconds, double HitRatio, int Readers, long OriginRequests, long ServedBytes, long EgressSavedBytes,
    long OriginBytesPerSecond, string Version, IReadOnlyList<string> Failures);

/// <summary>The index of a sharded safetensors model.</summary>
internal sealed record SafetensorsIndex(
    [property: System.Text.Json.Serialization.JsonPropertyName("metadata")] IReadOnlyDictionary<string, long> Metadata,
    [property: System.Text.Json.Serialization.JsonPropertyName("weight_map")]
    IReadOnlyDictionary<string, string> WeightMap);

/// <summary>One file of the model.</summary>
/// <param name="Key">Path below the model's directory, with slashes.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">Sum.</param>
internal sealed record ModelFile(string Key, long Bytes, string Sha256);
