using System.Text;
using Thaw.Core;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>
/// Tells the kernel to forget names, from a thread of its own: the kernel takes the folder's lock for it, and a thread
/// that answers requests of that folder would wait for itself. What finds no place is left out: names expire anyway.
/// </summary>
internal sealed class Notifier : IDisposable
{
    private readonly Queue<(ulong Parent, string Name)> _names = new();
    private readonly Channel _channel;
    private readonly Thread _thread;
    private bool _stopped;

    public Notifier(Channel channel)
    {
        _channel = channel;
        _thread = new Thread(Run) { IsBackground = true, Name = "posix notices" };
        _thread.Start();
    }

    /// <summary>The kernel forgets a name of a folder; what is open stays open.</summary>
    public void Forget(ulong parent, string name)
    {
        lock (_names)
        {
            if (_stopped || _names.Count >= Limits.PosixNotices)
                return;
            _names.Enqueue((parent, name));
            Monitor.Pulse(_names);
        }
    }

    /// <summary>Ends the thread without waiting for it: the kernel may keep it until the mount is gone.</summary>
    public void Dispose()
    {
        lock (_names)
        {
            _stopped = true;
            Monitor.Pulse(_names);
        }
    }

    private void Run()
    {
        while (true)
        {
            (ulong Parent, string Name) next;
            lock (_names)
            {
                while (_names.Count == 0 && !_stopped)
                    Monitor.Wait(_names);
                if (_stopped)
                    return;
                next = _names.Dequeue();
            }

            var name = Encoding.UTF8.GetBytes(next.Name + "\0");
            var body = new InvalidateEntryOut { Parent = next.Parent, NameLength = (uint)name.Length - 1 };
            _channel.Notify(Notice.InvalidateEntry, in body, name);
        }
    }
}
