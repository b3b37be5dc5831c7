using System.Text.RegularExpressions;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>Finds what looks like a secret: PEM blocks, tokens by their first letters, and text that is too random to be anything else.</summary>
internal static partial class Secrecy
{
    private const double Random = 4.0;

    /// <summary>What was found; nothing for a clean text.</summary>
    public static IEnumerable<string> In(string text) =>
        Marked().Matches(text).Concat(Long().Matches(text).Where(m => LooksRandom(m.Value))).Select(m => m.Value);

    // A word, a host or a path is long too, but it is of few letters or has no digits and capitals between its small ones.
    private static bool LooksRandom(string text) => text.Any(char.IsAsciiDigit) && text.Any(char.IsAsciiLetterLower) && (text.Any(char.IsAsciiLetterUpper) || text.All(char.IsAsciiHexDigit)) && Entropy(text) > (text.All(char.IsAsciiHexDigit) ? 3.0 : Random);

    private static double Entropy(string text) => text.GroupBy(c => c).Sum(g => -(double)g.Count() / text.Length * Math.Log2((double)g.Count() / text.Length));

    [GeneratedRegex("-----BEGIN [A-Z ]+-----|\"joinToken\"|aspiremesh1\\.[A-Za-z0-9]|eyJ[A-Za-z0-9_-]{10,}", RegexOptions.CultureInvariant)]
    private static partial Regex Marked();

    [GeneratedRegex("[A-Za-z0-9+/=_-]{24,}", RegexOptions.CultureInvariant)]
    private static partial Regex Long();
}

public class SecrecyTests
{
    [Theory]
    [InlineData("key: -----BEGIN PRIVATE KEY-----", true)]
    [InlineData("token: eyJhbGciOiJSUzI1NiIsImtpZCI6", true)]
    [InlineData("password: hV9x2LkQ8zRt5YpWn3BfJc7M", true)]
    [InlineData("hash: 9f86d081884c7d659a2feaa0c55ad015", true)]
    [InlineData("OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES", false)]
    [InlineData("preferredDuringSchedulingIgnoredDuringExecution", false)]
    [InlineData("host: catalog-service.shop.svc.cluster.local", false)]
    public void Secrets_are_told_from_long_words(string text, bool secret) => Assert.Equal(secret, Secrecy.In(text).Any());
}
