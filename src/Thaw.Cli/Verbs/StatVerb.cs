using System.CommandLine;
using System.Globalization;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw stat</c>.</summary>
internal static class StatVerb
{
    public static Command Create(VerbHost host)
    {
        var path = Paths.Single("The object");
        var verb = new Verb("stat", "Tells all about one object: version, sums, what is cached, holders, pins",
            "thaw stat models/llama-70b/model-00001-of-00030.safetensors")
        {
            path,
        };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var written = parse.GetRequiredValue(path);
            var reply = await client.GetObjectsAsync(written, null, cancellationToken);
            if (reply.Value is not { } page)
                return host.Terminal.Fail(reply.Failure!);
            if (page.Objects.FirstOrDefault(candidate => candidate.Path == written) is not { } status)
                return host.Terminal.Fail(new CliFailure(ExitCode.NotFound,
                    $"there is no object {written} at {client.Node}; \"thaw ls\" lists what there is."));
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(status, ApiJson.Default.ObjectStatus);
            else
                Write(host.Terminal.Out, status);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Write(TextWriter output, ObjectStatus status)
    {
        var used = status.LastUsed?.ToString("u", CultureInfo.InvariantCulture) ?? "never";
        output.WriteLine($"path:      {status.Path}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"size:      {new ByteSize(status.SizeBytes)} ({status.SizeBytes} bytes)"));
        output.WriteLine($"cached:    {LsVerb.Percent(status)} ({new ByteSize(status.CachedBytes)})");
        output.WriteLine($"verified:  {status.Verified}");
        output.WriteLine($"etag:      {status.ETag}");
        output.WriteLine($"version:   {status.ContentId ?? "not asked for yet"}");
        output.WriteLine($"crc32c:    {status.Crc32C ?? "not known yet"}");
        output.WriteLine($"type:      {status.ContentType ?? "-"}");
        output.WriteLine($"modified:  {status.LastModified.ToString("u", CultureInfo.InvariantCulture)}");
        output.WriteLine($"last used: {used}");
        output.WriteLine($"pinned:    {(status.Pinned ? "yes" : "no")}");
        output.WriteLine(
            $"holders:   {(status.Holders.IsDefaultOrEmpty ? "none" : string.Join(", ", status.Holders))}");
    }
}
