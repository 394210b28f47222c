using Thaw.Core;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Thaw.Daemon.Configuration;

/// <summary>
/// Builds a tree of <see cref="YamlValue"/> from parsing events, so that doubled keys become errors with their lines
/// instead of one exception, and so that depth and the growth by aliases are bounded before anything is built. An
/// anchor is known only once its value is complete: a value cannot contain itself.
/// </summary>
internal sealed class YamlTree
{
    private readonly IParser _parser;
    private readonly Action<int, string, string> _report;
    private readonly Dictionary<string, YamlValue> _anchors = [];
    private int _values;

    private YamlTree(IParser parser, Action<int, string, string> report) => (_parser, _report) = (parser, report);

    /// <summary>
    /// The document's root; null for an empty document, or when an error that ends the reading has been reported.
    /// </summary>
    public static YamlValue? Read(string yaml, Action<int, string, string> report)
    {
        var tree = new YamlTree(new StrictParser(new Parser(new StringReader(yaml))), report);
        try
        {
            return tree.ReadDocument();
        }
        catch (TooMuchException exception)
        {
            report(exception.Line, "", exception.Message);
        }
        catch (YamlException exception)
        {
            report((int)exception.Start.Line, "", $"this is not YAML: {FirstLine(exception.Message)}.");
        }

        return null;
    }

    private static string FirstLine(string message)
    {
        var text = message.AsSpan();
        var end = text.IndexOfAny('\r', '\n');
        return (end < 0 ? text : text[..end]).TrimEnd('.').ToString();
    }

    private YamlValue? ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.TryConsume<StreamEnd>(out _))
            return null;
        _parser.Consume<DocumentStart>();
        var root = ReadValue(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out var second))
            _report((int)second.Start.Line, "", "a second document starts here; keep one document in the file.");
        return root;
    }

    private YamlValue ReadValue(int depth)
    {
        var line = _parser.Current is null && !_parser.MoveNext() ? 0 : (int)_parser.Current!.Start.Line;
        if (depth > Limits.ConfigDepth)
            throw new TooMuchException(
                line, $"values are nested deeper than {Limits.ConfigDepth}; write them flatter.");
        Count(1, line);
        if (_parser.TryConsume<AnchorAlias>(out var alias))
            return ReadAlias(alias, line);
        if (_parser.TryConsume<Scalar>(out var scalar))
            return Remember(
                scalar, new YamlScalar(line, scalar.Value, scalar.Style == ScalarStyle.Plain) { Weight = 1 });
        if (_parser.TryConsume<SequenceStart>(out var sequence))
            return Remember(sequence, ReadList(line, depth));
        return Remember(_parser.Consume<MappingStart>(), ReadMap(line, depth));
    }

    private YamlValue ReadAlias(AnchorAlias alias, int line)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var target))
            throw new TooMuchException(line, $"the anchor *{alias.Value.Value} is not known here; define it above.");
        Count(target.Weight, line);
        return target;
    }

    private YamlList ReadList(int line, int depth)
    {
        var items = new List<YamlValue>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            items.Add(ReadValue(depth + 1));
        return new YamlList(line, items) { Weight = 1 + items.Sum(item => item.Weight) };
    }

    private YamlMap ReadMap(int line, int depth)
    {
        var entries = new List<YamlEntry>();
        var merged = new List<YamlValue>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadValue(depth + 1);
            var value = ReadValue(depth + 1);
            if (key is not YamlScalar name)
                _report(key.Line, "", $"a key is {key.Kind}; keys are plain words.");
            else if (name is { Plain: true, Text: "<<" })
                merged.Add(value);
            else if (lines.TryGetValue(name.Text, out var first))
                _report(name.Line, name.Text, $"the key stands here a second time, first in line {first}; keep one.");
            else
            {
                lines.Add(name.Text, name.Line);
                entries.Add(new YamlEntry(name.Text, name.Line, value));
            }
        }

        foreach (var source in merged)
            Merge(source, entries, lines);
        return new YamlMap(line, entries) { Weight = 1 + entries.Sum(entry => 1 + entry.Value.Weight) };
    }

    // https://yaml.org/type/merge.html: keys of the mapping itself win, then the earlier of several sources.
    private void Merge(YamlValue source, List<YamlEntry> entries, Dictionary<string, int> lines)
    {
        if (source is YamlList list && list.Items.All(item => item is YamlMap))
        {
            foreach (var item in list.Items)
                Merge(item, entries, lines);
            return;
        }

        if (source is not YamlMap map)
        {
            _report(source.Line, "<<", $"a merge needs a group of options, not {source.Kind}.");
            return;
        }

        foreach (var entry in map.Entries)
            if (lines.TryAdd(entry.Key, entry.Line))
                entries.Add(entry);
    }

    private YamlValue Remember(NodeEvent start, YamlValue value)
    {
        if (!start.Anchor.IsEmpty)
            _anchors[start.Anchor.Value] = value;
        return value;
    }

    private void Count(int values, int line)
    {
        _values += values;
        if (_values > Limits.ConfigValues)
            throw new TooMuchException(line, $"the file has more than {Limits.ConfigValues} values; write less.");
    }

    // The library's scanner leaves some malformed texts (a NUL in a plain word is one) with general exceptions.
    private sealed class StrictParser(Parser parser) : IParser
    {
        public ParsingEvent? Current => parser.Current;

        public bool MoveNext()
        {
            try
            {
                return parser.MoveNext();
            }
            catch (Exception exception) when (exception is InvalidOperationException or ArgumentException
                or IndexOutOfRangeException or FormatException or OverflowException or NullReferenceException)
            {
                var end = parser.Current?.End ?? Mark.Empty;
                throw new YamlException(end, end, "the text breaks off or holds a character that may not stand here");
            }
        }
    }

    /// <summary>Ends the reading of a document that is out of bounds.</summary>
    private sealed class TooMuchException(int line, string sentence) : Exception(sentence)
    {
        public int Line { get; } = line;
    }
}
