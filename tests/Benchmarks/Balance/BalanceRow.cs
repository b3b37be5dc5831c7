namespace AspireMesh.Benchmarks.Balance;

/// <summary>One algorithm.</summary>
/// <param name="Algorithm">Its name.</param>
/// <param name="Requests">How many were sent.</param>
/// <param name="P50Ms">Median time, milliseconds.</param>
/// <param name="P99Ms">99th percentile, milliseconds.</param>
/// <param name="Slow">How many took as long as the slow replica takes.</param>
internal sealed record BalanceRow(string Algorithm, int Requests, double P50Ms, double P99Ms, int Slow);
