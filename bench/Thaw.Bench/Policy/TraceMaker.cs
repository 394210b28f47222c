namespace Thaw.Bench.Policy;

/// <summary>
/// Makes traces from a seed. Readings of whole versions begin at random moments and go on chunk by chunk, so that they
/// overlap; of one version at most two at a time, others wait.
/// </summary>
internal sealed class TraceMaker(string name, int seed)
{
    private const int ReadersMost = 2;
    private const int LargestChunks = 800;

    /// <summary>A node reads so many chunks (a gigabyte each) in an hour: 1 GB/s.</summary>
    private const double ChunksPerHour = 3600;

    private readonly Random _random = new(seed);
    private readonly List<int> _sizes = [];
    private readonly List<int> _replaced = [];
    private readonly PriorityQueue<Reading, (double Time, int Order)> _readings = new();
    private readonly Dictionary<int, int> _readers = [];
    private readonly Dictionary<int, Queue<Reading>> _waiting = [];
    private int _order;

    public int NewVersion(int chunks, int replaced = -1)
    {
        _sizes.Add(chunks);
        _replaced.Add(replaced);
        return _sizes.Count - 1;
    }

    public int RandomSize(int largest = LargestChunks) =>
        Math.Max(1, (int)Math.Round(Math.Exp(_random.NextDouble() * Math.Log(largest))));

    public double RandomTime(double hours) => _random.NextDouble() * hours;

    public int RandomIndex(int count) => _random.Next(count);

    /// <summary>One node's read of a whole version.</summary>
    public void Read(int version, double hour, double chunksPerHour = ChunksPerHour) =>
        _readings.Enqueue(new Reading(version, hour, chunksPerHour), (hour, _order++));

    public Trace Make(int setChunks)
    {
        var reads = new List<(int, int)>();
        while (_readings.TryDequeue(out var reading, out var at))
        {
            if (reading.Chunk == 0 && !TryBegin(reading))
                continue;
            reads.Add((reading.Version, reading.Chunk));
            var next = reading with { Chunk = reading.Chunk + 1 };
            var time = at.Time + 1 / reading.ChunksPerHour;
            if (next.Chunk < _sizes[reading.Version])
                _readings.Enqueue(next, (time, _order++));
            else
                End(reading.Version, time);
        }

        return new Trace(name, [.. _sizes], [.. _replaced], reads, setChunks);
    }

    private bool TryBegin(Reading reading)
    {
        var readers = _readers.GetValueOrDefault(reading.Version);
        if (readers == ReadersMost)
        {
            if (!_waiting.TryGetValue(reading.Version, out var queue))
                _waiting.Add(reading.Version, queue = new Queue<Reading>());
            queue.Enqueue(reading);
            return false;
        }

        _readers[reading.Version] = readers + 1;
        return true;
    }

    private void End(int version, double time)
    {
        _readers[version]--;
        if (_waiting.TryGetValue(version, out var queue) && queue.TryDequeue(out var next))
            _readings.Enqueue(next, (time, _order++));
    }

    private sealed record Reading(int Version, double Hour, double ChunksPerHour, int Chunk = 0);
}
