using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage.Names;

namespace Thaw.Cache.Naming;

/// <summary>
/// The names of one mount: key to version. A known version is believed for <c>revalidate</c>; then one HEAD, shared by
/// all who ask, decides. Nobody shares a HEAD that was sent longer ago than <c>revalidate</c> before they came: it may
/// have seen a version that was replaced meanwhile. While the origin is down a known version stays readable for
/// <c>staleIfError</c>; a 404, 401 or 403 stops new readers at once.
/// <para>In a cluster only a key's home asks the origin; the other nodes ask the home, and themselves only when it does
/// not answer. What the home says is as old as the home's own question.</para>
/// <para>Any thread. The HEAD belongs to this type, not to the caller who started it.</para>
/// </summary>
internal sealed class MountCatalog : IAsyncDisposable
{
    /// <summary>Nothing that an origin calls a key begins so.</summary>
    private const string HomeSlot = "\0";

    /// <summary>An answer that is older is as good as none was ever asked for.</summary>
    private static readonly TimeSpan MostAge = TimeSpan.FromDays(3650);

    private readonly ConcurrentDictionary<string, Question> _asking = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private long _downUntil;

    public MountCatalog(MountSource source, TimeProvider clock, ILogger logger)
    {
        (Config, Origin, Names, Meter) = (source.Config, source.Origin, source.Names, source.Meter);
        (_clock, _logger) = (clock, logger);
        Name = new MountName(Config.Name, Config.Bucket, clock.GetUtcNow()) { Revalidate = Config.Revalidate };
        Store = source.Store;
    }

    /// <summary>What the store is called on every node; null: nothing of it is shared.</summary>
    public string? Store { get; }

    /// <summary>The key's home in the cluster; null: this node asks the origin itself.</summary>
    public IKeyHomes? Homes { get; set; }

    /// <summary>The full key at the origin.</summary>
    public string FullKey(string key) => Config.OriginPrefix + key;

    public MountConfig Config { get; }

    public MountName Name { get; }

    public IOrigin Origin { get; }

    public NameTable Names { get; }

    public MountMeter Meter { get; }

    /// <summary>Told of a version that another one has taken the place of, under one name.</summary>
    public Action<ContentId, ContentId> Replaced { get; set; } = static (_, _) => { };

    /// <summary>False for a while after the origin did not answer.</summary>
    public bool IsOriginReachable => _clock.GetUtcNow().Ticks >= Volatile.Read(ref _downUntil);

    /// <summary>The present version of a key.</summary>
    public ValueTask<Result<ObjectVersion>> ResolveAsync(string key, CancellationToken cancellationToken)
    {
        if (key.Length == 0 || Encoding.UTF8.GetByteCount(key) > Limits.KeyBytes)
            return new ValueTask<Result<ObjectVersion>>(new Failure(FailureKind.InvalidRequest,
                $"A key has 1 to {Limits.KeyBytes} bytes of UTF-8; this one has {Encoding.UTF8.GetByteCount(key)}."));
        if (Names.TryGet(key, out var known) && IsFresh(known))
            return new ValueTask<Result<ObjectVersion>>(known.Version);
        return new ValueTask<Result<ObjectVersion>>(AskOnceAsync(key, known, HomeOf(key), cancellationToken));
    }

    /// <summary>The present version of a key as its home: nobody else but the origin is asked.</summary>
    public async Task<Result<AgedVersion>> ResolveAsHomeAsync(
        string key, bool isFresh, CancellationToken cancellationToken)
    {
        if (isFresh)
            Invalidate(key);
        var known = Names.TryGet(key, out var entry) ? entry : null;
        if (known is null || !IsFresh(known))
        {
            var asked = await AskOnceAsync(key, known, home: null, cancellationToken).ConfigureAwait(false);
            if (!asked.TryGet(out var version, out var failure))
                return failure;
            known = Names.TryGet(key, out entry) ? entry : null;
            if (known is null || known.Version.Id != version.Id)
                return new AgedVersion(version, TimeSpan.MaxValue);
        }

        return new AgedVersion(known.Version, _clock.GetUtcNow() - known.LastAsked);
    }

    private IKeyHome? HomeOf(string key) => Store is { } store ? Homes?.Find(store, FullKey(key)) : null;

    /// <summary>The next reader asks the origin again, whatever <c>revalidate</c> says.</summary>
    public void Invalidate(string key)
    {
        foreach (var slot in (string[])[key, HomeSlot + key])
            if (_asking.TryGetValue(slot, out var question))
                question.IsOutdated = true;
        Names.TouchAsked(key, DateTimeOffset.UnixEpoch);
    }

    /// <summary>A reader has ended. Many short readers of one key cost one note a second.</summary>
    public void NoteUsed(string key)
    {
        var now = _clock.GetUtcNow();
        var used = Names.TryGet(key, out var known) ? known.LastUsed : null;
        if (used is not { } last || (now - last).Duration() >= Limits.UsedPrecision)
            Names.TouchUsed(key, now);
    }

    /// <summary>One page of keys, from the origin or, while it is down, of those that are known.</summary>
    public async ValueTask<(Result<ListPage> Page, bool Stale)> ListAsync(
        ListRequest request, CancellationToken cancellationToken)
    {
        var asked = _clock.GetUtcNow();
        var listed = IsOriginReachable || Names.Count == 0
            ? await ListAtOriginAsync(request, cancellationToken).ConfigureAwait(false)
            : new Failure(
                FailureKind.OriginUnavailable, $"{Origin.Name} did not answer a moment ago.", RetryAdvice.Later);
        if (listed.TryGet(out var page, out var failure))
        {
            foreach (var entry in page.Entries)
                Confirm(entry, asked);
            return (listed, false);
        }

        if (!IsOriginDown(failure) || Names.Count == 0)
            return (failure, false);
        NoteDown();
        return (Names.List(request), true);
    }

    /// <summary>Who has names to fall back to does not wait for all the retries of an origin that is silent.</summary>
    private async Task<Result<ListPage>> ListAtOriginAsync(ListRequest request, CancellationToken cancellationToken)
    {
        if (Names.List(request with { MaxKeys = 1 }).Entries.IsEmpty)
            return await Origin.ListAsync(request, cancellationToken).ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // One key answers whether a folder is there: that it was a while ago is answer enough.
        limit.CancelAfter(request.MaxKeys == 1 ? Limits.RevalidateAnswer : Limits.OriginAnswer);
        try
        {
            return await Origin.ListAsync(request, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Failure(
                FailureKind.OriginUnavailable, $"{Origin.Name} did not answer in time.", RetryAdvice.Later);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(_asking.Values.Select(question => question.Answer)))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Names.DisposeAsync().ConfigureAwait(false);
        await Origin.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private bool IsFresh(NameEntry known) =>
        known.LastAsked > DateTimeOffset.UnixEpoch
        && (Config.Revalidate is not { } revalidate || _clock.GetUtcNow() - known.LastAsked < revalidate);

    private async Task<Result<ObjectVersion>> AskOnceAsync(
        string key, NameEntry? known, IKeyHome? home, CancellationToken cancellationToken)
    {
        // Questions to the home and to the origin are not shared: the home itself may be waiting for the latter.
        var slot = home is null ? key : HomeSlot + key;
        if (known is not null && !IsOriginReachable && MayBeStale(known))
            return known.Version;
        var came = _clock.GetUtcNow();
        while (true)
        {
            var mine = new Question(slot, home, _clock.GetUtcNow());
            var question = _asking.GetOrAdd(slot, mine);
            if (question == mine)
                _ = AskAsync(key, known, mine);
            var answer = await question.Answer.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (home is not null && answer.Failure is { Retry: RetryAdvice.Elsewhere })
                return await AskOnceAsync(key, known, home: null, cancellationToken).ConfigureAwait(false);
            if (question == mine || IsRecent(question, came))
                return answer;
            known = Names.TryGet(key, out var now) ? now : null;
        }
    }

    private bool IsRecent(Question question, DateTimeOffset came) =>
        !question.IsOutdated
        && (Config.Revalidate is not { } revalidate || came - question.Asked + question.Age <= revalidate);

    // Owned by this type: it is in _asking until it ends, and DisposeAsync waits for those.
    private async Task AskAsync(string key, NameEntry? known, Question question)
    {
        try
        {
            question.Done.TrySetResult(await HeadAsync(key, known, question).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            question.Done.TrySetResult(new Failure(FailureKind.Stopping, "The node is stopping; ask another one."));
        }
        catch (Exception error)
        {
            question.Done.TrySetException(error);
        }
    }

    private async Task<Result<ObjectVersion>> HeadAsync(string key, NameEntry? known, Question question)
    {
        try
        {
            // Whoever has a version to fall back to does not wait for all the retries.
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            if (known is not null && MayBeStale(known))
                limit.CancelAfter(Limits.RevalidateAnswer);
            Result<ObjectVersion> answer;
            try
            {
                answer = question.Home is { } home
                    ? await AskHomeAsync(home, known, question, limit.Token).ConfigureAwait(false)
                    : await Origin.HeadAsync(key, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
            {
                answer = new Failure(
                    FailureKind.OriginUnavailable, $"{Origin.Name} did not answer in time.", RetryAdvice.Later);
            }

            // A home that has just come knows nothing yet; whoever was it before does.
            if (question.Home is null && known is null && answer.Failure is { } failure && IsOriginDown(failure)
                && Store is { } store && Homes?.FindFormer(store, FullKey(key)) is { } former
                && await AskHomeAsync(former, known, question, limit.Token).ConfigureAwait(false) is { IsOk: true } old)
            {
                _ = Decide(key, known, old, question);
                NoteDown();
                return old;
            }

            return Decide(key, known, answer, question);
        }
        finally
        {
            // Before the answer is out: whoever finds it too old asks anew and must not find it here again.
            _asking.TryRemove(question.Slot, out _);
        }
    }

    private static async Task<Result<ObjectVersion>> AskHomeAsync(
        IKeyHome home, NameEntry? known, Question question, CancellationToken cancellationToken)
    {
        // A reader found that the version is not the origin's any more: what the home believes may be as old.
        var isFresh = known is not null && known.LastAsked <= DateTimeOffset.UnixEpoch;
        var asked = await home.ResolveAsync(isFresh, cancellationToken).ConfigureAwait(false);
        if (!asked.TryGet(out var answer, out var failure))
            return failure;
        question.Age = answer.Age;
        return answer.Version;
    }

    private Result<ObjectVersion> Decide(
        string key, NameEntry? known, Result<ObjectVersion> answer, Question question)
    {
        // What a HEAD says is as old as its question.
        var asked = question.IsOutdated || question.Age > MostAge
            ? DateTimeOffset.UnixEpoch : question.Asked - question.Age;
        if (answer.TryGet(out var version, out var failure))
        {
            Volatile.Write(ref _downUntil, 0);
            if (known is not null && known.Version.Id == version.Id && known.Version.ETag == version.ETag)
                Names.TouchAsked(key, asked);
            else
                Names.Put(new NameEntry
                {
                    Key = key,
                    Version = version,
                    LastAsked = asked,
                    LastUsed = known?.LastUsed,
                    Pinned = known?.Pinned ?? false,
                });
            if (known is not null && known.Version.Id != version.Id)
                Replaced(known.Version.Id, version.Id);
            return version;
        }

        if (failure.Kind == FailureKind.NotFound)
            Names.Remove(key);
        // A home that does not answer says nothing of the origin.
        if (!IsOriginDown(failure) || failure.Retry == RetryAdvice.Elsewhere)
            return failure;
        NoteDown();
        if (known is null || !MayBeStale(known))
            return failure;
        Log.ServedStale(_logger, key, Config.Name, failure.Message);
        return known.Version;
    }

    private bool MayBeStale(NameEntry known) =>
        Config.StaleIfError is not { } limit || _clock.GetUtcNow() - known.LastAsked < limit;

    private static bool IsOriginDown(Failure failure) =>
        failure.Kind is FailureKind.OriginUnavailable or FailureKind.Throttled;

    private void NoteDown() => Volatile.Write(ref _downUntil, (_clock.GetUtcNow() + Limits.OriginDownPause).Ticks);

    /// <summary>A listing confirms a known version by ETag and size; it never makes one.</summary>
    private void Confirm(ListEntry entry, DateTimeOffset asked)
    {
        if (!entry.IsCommonPrefix
            && Names.TryGet(entry.Key, out var known)
            && !known.Version.IsWeak
            && known.Version.ETag == entry.ETag
            && known.Version.SizeBytes == entry.SizeBytes
            && known.LastAsked > DateTimeOffset.UnixEpoch
            && known.LastAsked < asked)
            Names.TouchAsked(entry.Key, asked);
    }

    /// <summary>One HEAD under way, and since when.</summary>
    private sealed class Question(string slot, IKeyHome? home, DateTimeOffset asked)
    {
        private volatile bool _isOutdated;

        public string Slot => slot;

        /// <summary>Who is asked; null: the origin.</summary>
        public IKeyHome? Home => home;

        public DateTimeOffset Asked => asked;

        /// <summary>How old the answer was when it was given.</summary>
        public TimeSpan Age { get; set; }

        public TaskCompletionSource<Result<ObjectVersion>> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Result<ObjectVersion>> Answer => Done.Task;

        /// <summary>Someone found meanwhile that the version changed; the answer may still be the old one.</summary>
        public bool IsOutdated
        {
            get => _isOutdated;
            set => _isOutdated = value;
        }
    }
}
