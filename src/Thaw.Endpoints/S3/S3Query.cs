using System.Diagnostics.CodeAnalysis;

namespace Thaw.Endpoints.S3;

/// <summary>The decoded query of a request: a parameter without a value, such as <c>?location</c>, is empty.</summary>
internal sealed class S3Query
{
    private static readonly S3Query Empty = new();

    private readonly List<(string Name, string Value)> _parameters = [];

    /// <summary>Reads a query without its question mark.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out S3Query query, out S3Error? error)
    {
        error = null;
        query = text.IsEmpty ? Empty : new S3Query();
        foreach (var piece in text.Split('&'))
        {
            var part = text[piece];
            if (part.Length == 0)
                continue;
            var equals = part.IndexOf('=');
            var name = equals < 0 ? part : part[..equals];
            var value = equals < 0 ? default : part[(equals + 1)..];
            if (!S3Target.TryDecode(name, plusIsSpace: true, out var decodedName, out error)
                || !S3Target.TryDecode(value, plusIsSpace: true, out var decodedValue, out error))
                return false;
            query._parameters.Add((decodedName, decodedValue));
        }

        return true;
    }

    /// <summary>The first value of a parameter, or null. Names are case-sensitive, as in S3.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (var parameter in _parameters)
                if (parameter.Name == name)
                    return parameter.Value;
            return null;
        }
    }

    /// <summary>Whether the parameter is there, with or without a value.</summary>
    public bool Has(string name) => this[name] is not null;

    /// <summary>The first of these names that is there.</summary>
    public bool TryFindAny(ReadOnlySpan<string> names, [NotNullWhen(true)] out string? found)
    {
        foreach (var name in _parameters.Count == 0 ? default : names)
        {
            found = name;
            if (Has(name))
                return true;
        }

        found = null;
        return false;
    }
}
