using Thaw.Core;

namespace Thaw.Daemon.Configuration;

/// <summary>
/// Values of options by their full key (<c>mounts[0].name</c>), checked one by one against the table, with their lines;
/// and everything that was found wrong.
/// </summary>
internal sealed class ConfigValues(string file)
{
    private readonly Dictionary<string, (object? Value, int Line)> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _lists = new(StringComparer.Ordinal);
    private readonly HashSet<string> _bad = new(StringComparer.Ordinal);
    private readonly List<ConfigError> _errors = [];

    /// <summary>All errors, in order of lines.</summary>
    public IEnumerable<ConfigError> Errors => _errors.OrderBy(error => error.Line);

    /// <summary>Whether nothing is wrong so far.</summary>
    public bool IsValid => _errors.Count == 0;

    /// <summary>Notes an error; those beyond the bound are dropped.</summary>
    public void Report(int line, string key, string sentence)
    {
        if (key.Length > 0)
            _bad.Add(key);
        if (_errors.Count < Limits.ConfigErrors)
            _errors.Add(new ConfigError(file, line, OptionText.Shorten(key), sentence));
    }

    /// <summary>Walks a group of options.</summary>
    /// <param name="map">The group.</param>
    /// <param name="path">Its full key: <c>mounts[0]</c>.</param>
    /// <param name="pattern">Its key in the table: <c>mounts[]</c>.</param>
    public void AddGroup(YamlMap map, string path, string pattern)
    {
        foreach (var entry in map.Entries)
            AddEntry(entry, Join(path, entry.Key), Join(pattern, entry.Key), pattern);
    }

    /// <summary>Sets a value that was not written in a file.</summary>
    public void Set(string key, object value) => _values[key] = (value, 0);

    /// <summary>Sets the length of a list that was not written in a file.</summary>
    public void SetCount(string key, int count) => _lists[key] = count;

    /// <summary>Whether the option was written.</summary>
    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>Whether an error was reported for the option.</summary>
    public bool IsBad(string key) => _bad.Contains(key);

    /// <summary>The line of the option, or 0.</summary>
    public int Line(string key) => _values.TryGetValue(key, out var found) ? found.Line : 0;

    /// <summary>The good values of a list, each with its full key.</summary>
    public IEnumerable<(string Key, T Value)> GetList<T>(string key)
    {
        for (var index = 0; index < Count(key); index++)
            if (_values.TryGetValue($"{key}[{index}]", out var found) && found.Value is T value)
                yield return ($"{key}[{index}]", value);
    }

    /// <summary>Number of items in a list.</summary>
    public int Count(string key) => _lists.GetValueOrDefault(key);

    /// <summary>
    /// The value; <paramref name="otherwise"/> when it was not written or one of the option's words was.
    /// </summary>
    public T Get<T>(string key, T otherwise) =>
        _values.TryGetValue(key, out var found) && found.Value is T value ? value : otherwise;

    /// <summary>Notes an error for each required option of a group that was not written.</summary>
    public void Require(string path, string pattern, int line)
    {
        foreach (var row in OptionTable.Rows)
        {
            if (!row.Required || !row.Key.StartsWith(pattern + ".", StringComparison.Ordinal))
                continue;
            var key = path + row.Key[pattern.Length..];
            if (!Has(key) && !IsBad(key))
                Report(line, key, $"it is missing; write {row.Wanted}.");
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private void AddEntry(YamlEntry entry, string path, string pattern, string group)
    {
        if (OptionTable.FindPlanned(pattern) is { } planned)
            Report(entry.Line, path, $"{planned.Subject} not in this version yet; remove it.");
        else if (OptionTable.Find(pattern) is { } row)
            AddOption(entry.Value, entry.Line, path, row);
        else if (OptionTable.IsList(pattern))
            AddList(entry, path, pattern);
        else if (OptionTable.IsGroup(pattern))
            AddNested(entry.Value, path, pattern);
        else
        {
            var near = NearestName.Find(entry.Key, OptionTable.NamesBelow(group));
            Report(entry.Line, path, near is null
                ? $"this option is not known; known here: {string.Join(", ", OptionTable.NamesBelow(group))}."
                : $"this option is not known; did you mean \"{near}\"?");
        }
    }

    private void AddOption(YamlValue written, int line, string path, OptionRow row)
    {
        if (written is not YamlScalar { IsNull: false } scalar)
        {
            Report(line, path, $"it holds {written.Kind}; write {row.Wanted}.");
            return;
        }

        var (value, sentence) = OptionText.Parse(row, scalar.Text);
        if (sentence is null)
            _values[path] = (value, line);
        else
            Report(scalar.Line, path, sentence);
    }

    private void AddNested(YamlValue value, string path, string pattern)
    {
        if (value is YamlMap map)
            AddGroup(map, path, pattern);
        else if (value is not YamlScalar { IsNull: true })
            Report(value.Line, path, $"it holds {value.Kind}; write a group of options, such as {path}: {{...}}.");
    }

    private void AddList(YamlEntry entry, string path, string pattern)
    {
        if (entry.Value is YamlScalar { IsNull: true })
            return;
        if (entry.Value is not YamlList list)
        {
            Report(entry.Line, path, $"it holds {entry.Value.Kind}; write a list, each item begun with \"- \".");
            return;
        }

        _lists[path] = list.Items.Count;
        for (var index = 0; index < list.Items.Count; index++)
        {
            var item = $"{path}[{index}]";
            if (OptionTable.Find(pattern + "[]") is { } row)
            {
                AddOption(list.Items[index], list.Items[index].Line, item, row);
                continue;
            }

            AddNested(list.Items[index], item, pattern + "[]");
            if (list.Items[index] is YamlMap or YamlScalar { IsNull: true })
                Require(item, pattern + "[]", list.Items[index].Line);
        }
    }
}
