using Thaw.Core.Contracts;
using Thaw.Posix.Tree;

namespace Thaw.Posix.Files;

/// <summary>
/// One open file: the handle that the kernel holds, and a use for each read under way. What it holds is let go when the
/// last of them ends.
/// </summary>
internal sealed class OpenFile(Node node, IHeldFile held, OpenMode mode)
{
    private int _uses = 1;

    public Node Node => node;

    public IHeldFile Held => held;

    public OpenMode Mode => mode;

    public void Use() => Interlocked.Increment(ref _uses);

    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) == 0)
            held.Dispose();
    }
}
