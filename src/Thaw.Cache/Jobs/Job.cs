using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Identity;
using Thaw.Storage;

namespace Thaw.Cache.Jobs;

/// <summary>
/// One load or verify job: what was asked, what was found, what failed. Its progress is computed from the disks
/// whenever someone looks. The task that runs it adds; any thread looks.
/// </summary>
internal sealed class Job : IDisposable
{
    private readonly ConcurrentDictionary<ContentId, long> _incomplete = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentDictionary<string, JobStatus> _others = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _cancelled;
    private readonly TimeProvider _clock;
    private readonly ChunkStore _store;
    private readonly string _node;
    private long _objects;
    private long _totalBytes;
    private long _doneBytes;
    private long _verified;
    private long _badBlocks;
    private long _failed;
    private string _state = JobStates.Running;
    private DateTimeOffset? _ended;

    public Job(JobRequest request, string node, ChunkStore store, TimeProvider clock, CancellationToken stopping)
    {
        (Request, _node, _store, _clock) = (request, node, store, clock);
        Id = Guid.CreateVersion7(clock.GetUtcNow()).ToString("n");
        StartedAt = clock.GetUtcNow();
        _cancelled = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    public string Id { get; }

    public JobRequest Request { get; }

    public DateTimeOffset StartedAt { get; }

    public CancellationToken Cancelled => _cancelled.Token;

    public bool IsEnded => Volatile.Read(ref _state) != JobStates.Running;

    public void Cancel() => _cancelled.Cancel();

    /// <summary>An object was found; its bytes count as they arrive on the disk.</summary>
    public void Found(ObjectVersion version)
    {
        Interlocked.Increment(ref _objects);
        Interlocked.Add(ref _totalBytes, version.SizeBytes);
        if (Request.Kind == JobKinds.Load)
            _incomplete[version.Id] = version.SizeBytes;
    }

    /// <summary>All of an object is present and checked.</summary>
    public void Verified(ObjectVersion version)
    {
        Interlocked.Increment(ref _verified);
        if (Request.Kind == JobKinds.Load)
        {
            _incomplete.TryRemove(version.Id, out _);
            Interlocked.Add(ref _doneBytes, version.SizeBytes);
        }
    }

    /// <summary>Bytes that a verify job has checked.</summary>
    public void Checked(long bytes) => Interlocked.Add(ref _doneBytes, bytes);

    /// <summary>What another node says of its part.</summary>
    public void Follow(string node, JobStatus status) => _others[node] = status;

    public void FoundBadBlock() => Interlocked.Increment(ref _badBlocks);

    public void Failed(string sentence)
    {
        Interlocked.Increment(ref _failed);
        if (_errors.Count < Limits.JobErrors)
            _errors.Enqueue(sentence);
    }

    public void End(bool cancelled)
    {
        _ended = _clock.GetUtcNow();
        Volatile.Write(ref _state, cancelled ? JobStates.Cancelled
            : Volatile.Read(ref _failed) > 0 ? JobStates.Failed : JobStates.Done);
    }

    public JobStatus ToStatus()
    {
        var present = Volatile.Read(ref _doneBytes);
        foreach (var (id, size) in _incomplete)
            present += Math.Min(size, _store.PresentBytesOf(id));

        var total = Volatile.Read(ref _totalBytes);
        present = Math.Min(present, total);
        // Copied by its own method first: sorting would copy it in two steps, and fail where it grows in between.
        var others = _others.ToArray().OrderBy(pair => pair.Key, StringComparer.Ordinal).ToArray();
        return new JobStatus(
            Id, Request.Kind, Volatile.Read(ref _state), Request.Paths, Request.On,
            Volatile.Read(ref _objects) + others.Sum(one => one.Value.Objects),
            total + others.Sum(one => one.Value.TotalBytes), present + others.Sum(one => one.Value.PresentBytes),
            Volatile.Read(ref _verified) + others.Sum(one => one.Value.VerifiedObjects),
            Volatile.Read(ref _badBlocks) + others.Sum(one => one.Value.BadBlocks), StartedAt, _ended, [.. _errors],
            [
                new JobNode(_node, total, present),
                .. others.Select(one => new JobNode(one.Key, one.Value.TotalBytes, one.Value.PresentBytes)),
            ]);
    }

    public void Dispose() => _cancelled.Dispose();
}

/// <summary>Kinds of jobs, as the API writes them.</summary>
internal static class JobKinds
{
    public const string Load = "load";
    public const string Verify = "verify";
}

/// <summary>States of jobs, as the API writes them.</summary>
internal static class JobStates
{
    public const string Running = "running";
    public const string Done = "done";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
}
