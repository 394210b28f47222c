using System.Diagnostics.CodeAnalysis;

namespace Thaw.Core.Failures;

/// <summary>
/// A value, or the failure that stands in its place. The default value is a failure-less default of T.
/// </summary>
public readonly struct Result<T>
{
    private readonly T _value;

    private Result(T value, Failure? failure) => (_value, Failure) = (value, failure);

    /// <summary>The failure, or null when there is a value.</summary>
    public Failure? Failure { get; }

    /// <summary>Whether there is a value.</summary>
    public bool IsOk => Failure is null;

    /// <summary>The value; asking a failure for it is a bug.</summary>
    public T Value => Failure is null ? _value : throw new InvalidOperationException(Failure.Message);

    /// <summary>The value, or the default one in place of a failure.</summary>
    public T? ValueOrDefault => _value;

    /// <summary>Splits the result.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Failure? failure)
    {
        (value, failure) = (_value, Failure);
        return failure is null;
    }

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Failure failure) => new(default!, failure);
}
