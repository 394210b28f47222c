using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;
using Thaw.Core.Units;
using Thaw.Origins;

namespace Thaw.Daemon.Checks;

/// <summary>Whether each mount's origin lets itself be listed, and whether its clock is this host's.</summary>
internal sealed class OriginChecks(ThawConfig config, ILoggerFactory loggers, TimeProvider clock) : IDisposable
{
    private readonly OriginFactory _factory = new(config.Origins, loggers, clock);

    public async Task<IReadOnlyList<Check>> RunAsync(MountConfig mount, CancellationToken cancellationToken)
    {
        var access = await AccessAsync(mount, cancellationToken).ConfigureAwait(false);
        return mount.Scheme == OriginScheme.S3
            ? [access, await ClockAsync(mount, cancellationToken).ConfigureAwait(false)] : [access];
    }

    public void Dispose() => _factory.Dispose();

    private async Task<Check> AccessAsync(MountConfig mount, CancellationToken cancellationToken)
    {
        const string name = "origin";
        var where = $"mount {mount.Name}";
        await using var origin = _factory.Create(mount, new MountMeter(mount.Name));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limits.OriginAnswer);
        var started = clock.GetTimestamp();
        try
        {
            var listed = await origin.ListAsync(new ListRequest("", null, "", 1), limit.Token).ConfigureAwait(false);
            if (!listed.TryGet(out var page, out var failure))
                return Check.Fail(name, where, failure.Message.TrimEnd('.'),
                    "nothing of this mount can be loaded until it answers.");
            var took = Duration.Round(clock.GetElapsedTime(started));
            return page.Entries.IsEmpty
                ? Check.Warn(name, where, $"there is nothing below {origin.Name}",
                    "check the bucket and the prefix in mounts[].origin.")
                : Check.Ok(name, where, $"{origin.Name} lists its objects, in {took}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Check.Fail(name, where,
                $"{origin.Name} did not list its objects within {Limits.OriginAnswer.TotalSeconds:0} s",
                "check the endpoint, the network and any proxy or firewall between.");
        }
    }

    private async Task<Check> ClockAsync(MountConfig mount, CancellationToken cancellationToken)
    {
        const string name = "clock";
        var endpoint = mount.Endpoint ?? new Uri("https://s3.amazonaws.com/");
        var where = endpoint.GetLeftPart(UriPartial.Authority);
        using var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = Limits.OriginConnect,
        })
        {
            Timeout = Limits.OriginNoProgress,
        };
        using var request = new HttpRequestMessage(HttpMethod.Head, endpoint);
        try
        {
            using var answer = await http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            return answer.Headers.Date is { } date ? Compare(where, clock.GetUtcNow() - date)
                : Check.Warn(name, where, "it does not tell the time",
                    "compare the clock of this host with a time server.");
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Check.Warn(name, where, "it cannot be asked for the time", "see the check of its mount.");
        }
    }

    internal static Check Compare(string where, TimeSpan ahead)
    {
        const string advice = "run chrony or systemd-timesyncd: signed requests fail when clocks are 15 minutes apart.";
        var found = ahead.Duration() < TimeSpan.FromSeconds(2)
            ? "the same time"
            : $"this host is {Duration.Round(ahead.Duration())} {(ahead > TimeSpan.Zero ? "ahead" : "behind")}";
        return ahead.Duration() >= Limits.ClockSkewMost ? Check.Fail("clock", where, found, advice)
            : ahead.Duration() >= Limits.ClockSkewSeen ? Check.Warn("clock", where, found, advice)
            : Check.Ok("clock", where, found);
    }
}
