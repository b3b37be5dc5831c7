using System.Globalization;
using System.Text.RegularExpressions;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Protocol.Policies;

/// <summary>What a route's parts must look like. Used by the control plane on a model and by a sidecar on a snapshot.</summary>
public static class RouteChecks
{
    private static readonly string[] KnownMethods = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    private static readonly int[] RedirectStatuses = [301, 302, 303, 307, 308];

    /// <summary>Checks a list of matches.</summary>
    public static void Check(IEnumerable<RouteMatch> matches, string subject, ProblemList problems)
    {
        foreach (var match in matches)
        {
            Check(match.Path, $"{subject}: path", problems);
            Check(match.Host, $"{subject}: host", problems);
            if (match.Path is { Kind: StringMatchKind.Exact or StringMatchKind.Prefix } path && !path.Value.StartsWith('/'))
            {
                problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the path '{path.Value}' does not start with '/'. Write '/{path.Value}'.");
            }
            foreach (var method in match.Methods)
            {
                // Methods compare with case (RFC 9110 section 9.1): a Deny rule for 'delete' would let every DELETE pass.
                if (KnownMethods.Contains(method.ToUpperInvariant()) && !KnownMethods.Contains(method)) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the method '{method}' matches nothing. Write {method.ToUpperInvariant()}.");
                else if (!IsToken(method)) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: '{method}' is no HTTP method. Write one like GET.");
            }
            CheckNamed(match.Headers, $"{subject}: header", problems);
            CheckNamed(match.Query, $"{subject}: query parameter", problems);
            CheckNamed(match.Baggage, $"{subject}: baggage member", problems);
            if (match is { GrpcMethod: not null, GrpcService: null })
            {
                problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: a gRPC method without its service. Set GrpcService.");
            }
        }
    }

    /// <summary>Checks a TLS route: names that a hello can carry, and somewhere to go.</summary>
    public static void CheckTls(string name, IReadOnlyCollection<string> serverNames, IReadOnlyCollection<int> weights, string subject, ProblemList problems)
    {
        subject = $"{subject}, TLS route '{name}'";
        if (serverNames.Count == 0) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: it has no server name, so it matches nothing. Write \"shop.test\", \"*.shop.test\" or \"*\".");
        foreach (var server in serverNames.Where(s => !IsServerName(s)))
        {
            problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the server name '{server}' cannot stand in a TLS hello. Write it in ASCII and lower case, without a final dot; a wildcard is its whole first label; addresses are no server names.");
        }
        foreach (var weight in weights) problems.Range(subject, "Weight", weight, 0, 1_000_000);
        if (weights.Count > 0 && weights.All(w => w == 0)) problems.Add(MeshDiagnostics.SplitWithoutWeight, $"{subject}: all weights are 0. Give one leg a weight above 0.");
    }

    /// <summary>RFC 6066 section 3: a DNS name in ASCII, without the final dot, and no address.</summary>
    private static bool IsServerName(string name)
    {
        if (name == "*") return true;
        var rest = name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name;
        return rest.Length is > 0 and <= 253 && !System.Net.IPAddress.TryParse(rest, out _)
            && rest.Split('.').All(l => l.Length is > 0 and <= 63 && l.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-' or '_'));
    }

    /// <summary>Checks what a route does.</summary>
    public static void CheckActions(RedirectAction? redirect, RewriteAction? rewrite, CorsPolicy? cors, string subject, ProblemList problems)
    {
        if (redirect is not null)
        {
            if (!RedirectStatuses.Contains(redirect.Status))
            {
                problems.Add(MeshDiagnostics.ValueOutOfRange, string.Create(CultureInfo.InvariantCulture, $"{subject}: the redirect's status is {redirect.Status}. Use 301, 302, 303, 307 or 308."));
            }
            if (redirect.Port is { } port) problems.Range(subject, "Redirect.Port", port, 1, 65535);
            if (redirect.Scheme is not (null or "http" or "https")) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the redirect's scheme is '{redirect.Scheme}'. Use http or https.");
            if (redirect is { Path: not null, PrefixPath: not null }) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: the redirect replaces both path and prefix. Leave one out.");
            if (rewrite is not null) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: a redirect and a rewrite exclude each other. Leave one out.");
        }
        CheckParts("Redirect", redirect?.Host, redirect?.Path, redirect?.PrefixPath, subject, problems);
        CheckParts("Rewrite", rewrite?.Host, rewrite?.Path, rewrite?.PrefixPath, subject, problems);
        if (rewrite is { Path: not null, PrefixPath: not null }) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: the rewrite replaces both path and prefix. Leave one out.");
        if (cors is not null) Check(cors, subject, problems);
        if (cors is { Credentials: true } && cors.Origins.Contains("*"))
        {
            problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: CORS with credentials cannot allow the origin '*'. Name the origins.");
        }
    }

    /// <summary>What a route does with requests; the same for a route of the model and a compiled one.</summary>
    /// <param name="timeouts">Time limits; null for the edge's.</param>
    /// <param name="retry">Retries; null for the edge's, or none.</param>
    /// <param name="hedging">Hedging; null for the edge's, or none.</param>
    /// <param name="mirrorPercent">Share of requests copied; null without a mirror.</param>
    /// <param name="weights">Weights of the split's legs.</param>
    /// <param name="subject">Names the route.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public static void CheckForwarding(TimeoutPolicy? timeouts, RetryPolicy? retry, HedgingPolicy? hedging, double? mirrorPercent, IReadOnlyCollection<int> weights, string subject, ProblemList problems)
    {
        EdgePolicyChecks.Check(timeouts, subject, problems);
        EdgePolicyChecks.Check(retry, subject, problems);
        EdgePolicyChecks.Check(hedging, subject, problems);
        if (mirrorPercent is { } percent) problems.Range(subject, "Mirror.Percent", percent, 0, 100);
        foreach (var weight in weights) problems.Range(subject, "Split weight", weight, 0, 1_000_000);
        if (weights.Count > 0 && weights.All(w => w == 0))
        {
            problems.Add(MeshDiagnostics.SplitWithoutWeight, $"{subject}: all weights of the traffic split are 0. Give at least one leg a weight above 0.");
        }
    }

    /// <summary>Checks header edits.</summary>
    public static void Check(HeaderEdits? edits, string subject, ProblemList problems)
    {
        if (edits is null) return;
        foreach (var name in edits.Set.Keys.Concat(edits.Add.Keys).Concat(edits.Remove))
        {
            if (!IsToken(name)) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: '{name}' is no header name. Use letters, digits and '-'.");
        }
        foreach (var (name, value) in edits.Set.Concat(edits.Add))
        {
            if (value.AsSpan().ContainsAny('\r', '\n', '\0')) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the value for header '{name}' has a line break or NUL. Take it out.");
        }
    }

    /// <summary>Checks named comparisons such as headers or claims.</summary>
    public static void CheckNamed(IEnumerable<NamedMatch> matches, string subject, ProblemList problems)
    {
        foreach (var match in matches)
        {
            if (string.IsNullOrWhiteSpace(match.Name)) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject} without a name. Give it one.");
            Check(match.Match, $"{subject} '{match.Name}'", problems);
        }
    }

    private static void Check(StringMatch? match, string subject, ProblemList problems)
    {
        if (match is not null) problems.Defined(subject, "Kind", match.Kind);
        if (match is not { Kind: StringMatchKind.Regex }) return;
        try
        {
            _ = new Regex(match.Value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            problems.Add(MeshDiagnostics.BadRegex, $"{subject}: the regular expression '{match.Value}' cannot be used ({e.Message}). Correct it.");
        }
    }

    private static void CheckParts(string action, string? host, string? path, string? prefix, string subject, ProblemList problems)
    {
        if (host is not null && !IsAuthority(host)) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: {action}.Host is '{host}'. Write a host name, with a port where it is not the scheme's own.");
        foreach (var (name, text) in new[] { ("Path", path), ("PrefixPath", prefix) })
        {
            if (text is not null && (!text.StartsWith('/') || text.Any(char.IsControl))) problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: {action}.{name} is '{text}'. Start it with '/', and leave control characters out.");
        }
    }

    private static void Check(CorsPolicy cors, string subject, ProblemList problems)
    {
        problems.Range(subject, "Cors.MaxAge", cors.MaxAge, TimeSpan.Zero, TimeSpan.FromDays(1));
        if (cors.Origins.IsEmpty) problems.Add(MeshDiagnostics.PoliciesConflict, $"{subject}: CORS without an origin allows nobody. Set Origins.");
        foreach (var origin in cors.Origins.Where(o => o is not ("*" or "null") && !IsOrigin(o)))
        {
            problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: the origin '{origin}' is none. Write scheme, host and, where it differs, port: https://shop.example");
        }
        foreach (var name in cors.Methods.Concat(cors.Headers).Concat(cors.ExposeHeaders).Where(n => !IsToken(n)))
        {
            problems.Add(MeshDiagnostics.ValueOutOfRange, $"{subject}: CORS names '{name}', which is neither a method nor a header. Use letters, digits and '-'.");
        }
    }

    // RFC 6454 section 6.2: no path, not even '/'.
    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && string.Equals(uri.GetLeftPart(UriPartial.Authority), text, StringComparison.OrdinalIgnoreCase);

    private static bool IsAuthority(string text) => Uri.TryCreate($"http://{text}/", UriKind.Absolute, out var uri) && uri is { AbsolutePath: "/", UserInfo: "", Query: "", Fragment: "" } && !text.Any(c => char.IsControl(c) || c is '/' or ' ');

    // RFC 9110 section 5.6.2.
    private static bool IsToken(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
}
