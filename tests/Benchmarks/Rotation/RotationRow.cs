namespace AspireMesh.Benchmarks.Rotation;

/// <summary>One run of changes under load.</summary>
/// <param name="Retries">Whether the edge had its default retries, or none.</param>
/// <param name="Seconds">How long the load ran.</param>
/// <param name="Rate">Requests per second that were really sent.</param>
/// <param name="Requests">Requests sent.</param>
/// <param name="Late">Requests that were due and not sent, because the machine did not hold the rate.</param>
/// <param name="Failed">Requests without the right answer.</param>
/// <param name="Attempts">Attempts that the caller's sidecar counted.</param>
/// <param name="Arrivals">Requests that the app counted.</param>
/// <param name="Leaves">Leaf certificates seen in use, both sidecars together.</param>
/// <param name="Roots">How often the root was replaced.</param>
/// <param name="P50Ms">Median time to the whole answer.</param>
/// <param name="P99Ms">99th percentile.</param>
/// <param name="MaxMs">The slowest.</param>
/// <param name="Failures">The first failures.</param>
internal sealed record RotationRow(
    bool Retries, double Seconds, double Rate, long Requests, long Late, long Failed, long Attempts, long Arrivals, int Leaves, int Roots, double P50Ms, double P99Ms, double MaxMs, IReadOnlyList<string> Failures);

/// <summary>A sidecar that was killed under load and started again.</summary>
/// <param name="Retries">Whether the edge had its default retries, or none.</param>
/// <param name="ReadyMs">From the kill until the new process said that it is ready, SVID included.</param>
/// <param name="BackMs">From the kill until the next request was answered.</param>
/// <param name="Requests">Requests sent.</param>
/// <param name="Failed">Requests without the right answer.</param>
/// <param name="Failure">The first of them.</param>
internal sealed record KillRow(bool Retries, double ReadyMs, double BackMs, long Requests, long Failed, string Failure);
