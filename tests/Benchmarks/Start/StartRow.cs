namespace AspireMesh.Benchmarks.Start;

/// <summary>One way to run the services.</summary>
/// <param name="Case">Without the mesh, or how its sidecars are hosted.</param>
/// <param name="Seconds">Median time until all services are healthy.</param>
/// <param name="Ratio">To the time without the mesh.</param>
internal sealed record StartRow(string Case, double Seconds, double Ratio);
