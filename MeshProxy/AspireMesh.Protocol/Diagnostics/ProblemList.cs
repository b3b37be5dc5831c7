using System.Collections.Immutable;
using System.Globalization;

namespace AspireMesh.Protocol.Diagnostics;

/// <summary>Collects problems, so that a check can go on after the first and report them together.</summary>
public sealed class ProblemList
{
    private readonly List<MeshProblem> _problems = [];

    /// <summary>How many there are.</summary>
    public int Count => _problems.Count;

    /// <summary>Adds one.</summary>
    /// <param name="diagnostic">Its kind.</param>
    /// <param name="message">Names the resource, what was found, and the next line to type.</param>
    public void Add(MeshDiagnostic diagnostic, string message) => _problems.Add(diagnostic.Found(message));

    /// <summary>Adds one that was found elsewhere.</summary>
    public void Add(MeshProblem problem) => _problems.Add(problem);

    /// <summary>Adds a problem unless the value lies between the bounds, both included. Not-a-number never does.</summary>
    public void Range(string subject, string name, double value, double min, double max)
    {
        if (value >= min && value <= max) return;
        Add(MeshDiagnostics.ValueOutOfRange, string.Create(CultureInfo.InvariantCulture, $"{subject}: {name} is {value}. Set it to a value from {min} to {max}."));
    }

    /// <summary>Adds a problem unless the time lies between the bounds, both included.</summary>
    public void Range(string subject, string name, TimeSpan value, TimeSpan min, TimeSpan max)
    {
        if (value >= min && value <= max) return;
        Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: {name} is {Show(value)}. Set it to a time from {Show(min)} to {Show(max)}.");
    }

    /// <summary>Adds a problem unless the value is one of the enumeration's, or, where it holds flags, made of them: a document may say a number.</summary>
    public void Defined<T>(string subject, string name, T value) where T : struct, Enum
    {
        // A value that no combination of names gives is shown as a number.
        var text = value.ToString();
        if (text.Length > 0 && text[0] is not ('-' or (>= '0' and <= '9'))) return;
        Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: {name} is {text}. Set it to one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    /// <summary>All of them, in the order they were found; the same problem found twice is there once.</summary>
    public ImmutableArray<MeshProblem> ToImmutable() => [.. _problems.Distinct()];

    /// <summary>Throws when there is any.</summary>
    /// <exception cref="MeshValidationException">Carries all of them.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0) throw new MeshValidationException(ToImmutable());
    }

    private static string Show(TimeSpan time) =>
        time.TotalSeconds < 1 && time > TimeSpan.FromSeconds(-1)
            ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds} ms")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds} s");
}
