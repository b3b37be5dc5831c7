using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>The rules for names of resources and endpoints.</summary>
internal static class ModelName
{
    public static void Validate(string what, string name, NameValidationPolicyAnnotation policy)
    {
        var problem = Problem(name, policy);
        if (problem is not null)
        {
            throw new ArgumentException($"{what} name '{name}' is invalid. {problem}", nameof(name));
        }
    }

    private static string? Problem(string name, NameValidationPolicyAnnotation policy)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            return "Name must not be empty.";
        }

        if (policy.MaxLength is { } max && name.Length > max)
        {
            return $"Name must be between 1 and {max} characters long.";
        }

        if (policy.ValidateStartsWithLetter && !char.IsAsciiLetter(name[0]))
        {
            return "Name must start with an ASCII letter.";
        }

        if (policy.ValidateAllowedCharacters && !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            return "Name must contain only ASCII letters, digits, and hyphens.";
        }

        if (policy.ValidateNoConsecutiveHyphens && name.Contains("--", StringComparison.Ordinal))
        {
            return "Name cannot contain consecutive hyphens.";
        }

        return policy.ValidateNoTrailingHyphen && name.EndsWith('-') ? "Name cannot end with a hyphen." : null;
    }
}
