namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value given from outside, by configuration.</summary>
public class ParameterResource : Resource, IExpressionValue
{
    private readonly Func<ParameterDefault?, string> _callback;
    private readonly Lock _gate = new();
    private string? _value;

    /// <summary><paramref name="callback"/> finds the value; it throws <see cref="MissingParameterValueException"/> where there is none.</summary>
    public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : base(name)
    {
        _callback = callback ?? throw new ArgumentNullException(nameof(callback));
        Secret = secret;
    }

    /// <summary>Whether the value is masked.</summary>
    public bool Secret { get; }

    /// <summary>Whether it is a connection string.</summary>
    public bool IsConnectionString { get; set; }

    /// <summary>Where the value comes from when none is configured.</summary>
    public ParameterDefault? Default { get; set; }

    /// <summary>What it is for.</summary>
    public string? Description { get; set; }

    /// <summary>Whether the description is Markdown.</summary>
    public bool EnableDescriptionMarkdown { get; set; }

    /// <inheritdoc/>
    public string ValueExpression => IsConnectionString ? $"{{{Name}.connectionString}}" : $"{{{Name}.value}}";

    /// <summary>The value. Throws where there is none.</summary>
    [Obsolete("Use GetValueAsync.")]
    public string Value => Resolve();

    /// <summary>Completed by the running application: the value, once there is one.</summary>
    internal TaskCompletionSource<string>? Pending { get; set; }

    /// <summary>Waits for the value in a running application; throws where there is none otherwise.</summary>
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) =>
        Pending is { } pending ? await pending.Task.WaitAsync(cancellationToken).ConfigureAwait(false) : Resolve();

    internal string Resolve()
    {
        lock (_gate)
        {
            return _value ??= _callback(Default);
        }
    }
}

/// <summary>Where a parameter's value comes from when none is configured.</summary>
public abstract class ParameterDefault
{
    /// <summary>The value.</summary>
    public abstract string GetDefaultValue();
}

internal sealed class ConstantParameterDefault(Func<string> value) : ParameterDefault
{
    public override string GetDefaultValue() => value();
}

/// <summary>A random value, made anew at each start of the AppHost.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    /// <summary>The least number of characters.</summary>
    public int MinLength { get; set; }

    /// <summary>Whether lower-case letters may occur.</summary>
    public bool Lower { get; set; } = true;

    /// <summary>Whether upper-case letters may occur.</summary>
    public bool Upper { get; set; } = true;

    /// <summary>Whether digits may occur.</summary>
    public bool Numeric { get; set; } = true;

    /// <summary>Whether <c>-_.{}~()*+!</c> may occur.</summary>
    public bool Special { get; set; } = true;

    /// <summary>The least number of lower-case letters.</summary>
    public int MinLower { get; set; }

    /// <summary>The least number of upper-case letters.</summary>
    public int MinUpper { get; set; }

    /// <summary>The least number of digits.</summary>
    public int MinNumeric { get; set; }

    /// <summary>The least number of special characters.</summary>
    public int MinSpecial { get; set; }

    /// <inheritdoc/>
    public override string GetDefaultValue()
    {
        // Letters and digits that look alike are left out, as people type these.
        (bool Allowed, int Least, string Characters)[] groups =
        [
            (Lower, MinLower, "abcdefghjkmnpqrstuvwxyz"),
            (Upper, MinUpper, "ABCDEFGHJKMNPQRSTUVWXYZ"),
            (Numeric, MinNumeric, "0123456789"),
            (Special, MinSpecial, "-_.{}~()*+!"),
        ];
        var value = new List<char>();
        foreach (var (_, least, characters) in groups.Where(g => g.Allowed))
        {
            value.AddRange(System.Security.Cryptography.RandomNumberGenerator.GetItems<char>(characters, least));
        }

        var all = string.Concat(groups.Where(g => g.Allowed).Select(g => g.Characters));
        if (all.Length == 0)
        {
            throw new InvalidOperationException("A generated value needs at least one kind of character: set Lower, Upper, Numeric or Special.");
        }

        value.AddRange(System.Security.Cryptography.RandomNumberGenerator.GetItems<char>(all, Math.Max(0, MinLength - value.Count)));
        var shuffled = value.ToArray();
        System.Security.Cryptography.RandomNumberGenerator.Shuffle<char>(shuffled);
        return new string(shuffled);
    }
}
