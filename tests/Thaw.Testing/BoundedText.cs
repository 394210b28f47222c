using System.Text;

namespace Thaw.Testing;

/// <summary>The last lines that a process wrote. Any thread may add.</summary>
public sealed class BoundedText
{
    private const int MostCharacters = 64 << 10;
    private readonly StringBuilder _text = new();
    private readonly Lock _gate = new();

    /// <summary>Adds a line; the oldest ones go when there are too many.</summary>
    public void Add(string line)
    {
        lock (_gate)
        {
            _text.Append(line).Append('\n');
            if (_text.Length > MostCharacters)
                _text.Remove(0, _text.Length - MostCharacters);
        }
    }

    /// <inheritdoc />
    public override string ToString()
    {
        lock (_gate)
            return _text.ToString();
    }
}
