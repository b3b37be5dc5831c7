using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Aspire.Hosting;

/// <summary>How an input is asked for.</summary>
[Experimental("ASPIREINTERACTION001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public enum InputType
{
    /// <summary>A line of text.</summary>
    Text = 0,

    /// <summary>A text that is not shown.</summary>
    SecretText = 1,

    /// <summary>One of several.</summary>
    Choice = 2,

    /// <summary>Yes or no.</summary>
    Boolean = 3,

    /// <summary>A number.</summary>
    Number = 4,
}

/// <summary>One value that a command asks for before it runs.</summary>
[Experimental("ASPIREINTERACTION001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public sealed class InteractionInput
{
    /// <summary>Unique among the command's inputs.</summary>
    public required string Name { get; init; }

    /// <summary>What is shown; the name without it.</summary>
    public string? Label { get; init; }

    /// <summary>A sentence about it.</summary>
    public string? Description { get; init; }

    /// <summary>How it is asked for.</summary>
    public required InputType InputType { get; init; }

    /// <summary>Whether it may not be left empty.</summary>
    public bool Required { get; init; }

    /// <summary>Of a choice: values and what is shown for them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Options { get; set; }

    /// <summary>The value; before it is asked for, the usual one.</summary>
    public string? Value { get; set; }

    /// <summary>What is shown while it is empty.</summary>
    public string? Placeholder { get; init; }
}

/// <summary>The values a command runs with.</summary>
[Experimental("ASPIREINTERACTION001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
public sealed class InteractionInputCollection(IReadOnlyList<InteractionInput> inputs) : IReadOnlyList<InteractionInput>
{
    /// <inheritdoc/>
    public int Count => inputs.Count;

    /// <summary>The names.</summary>
    public IEnumerable<string> Names => inputs.Select(i => i.Name);

    /// <inheritdoc/>
    public InteractionInput this[int index] => inputs[index];

    /// <summary>An input by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public InteractionInput this[string name] => Find(name) ?? throw new KeyNotFoundException($"No input '{name}'. There are: {string.Join(", ", Names)}.");

    /// <summary>Whether there is an input of that name.</summary>
    public bool ContainsName(string name) => Find(name) is not null;

    /// <summary>The value as text; null for none.</summary>
    public string? GetString(string name) => this[name].Value;

    /// <summary>The value as a number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public double GetDouble(string name) => double.Parse(this[name].Value ?? "", CultureInfo.InvariantCulture);

    /// <summary>The value as a whole number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public int GetInt32(string name) => int.Parse(this[name].Value ?? "", CultureInfo.InvariantCulture);

    /// <summary>The value as yes or no.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public bool GetBoolean(string name) => bool.Parse(this[name].Value ?? "");

    /// <inheritdoc/>
    public IEnumerator<InteractionInput> GetEnumerator() => inputs.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private InteractionInput? Find(string name) => inputs.FirstOrDefault(i => string.Equals(i.Name, name, StringComparison.OrdinalIgnoreCase));
}
