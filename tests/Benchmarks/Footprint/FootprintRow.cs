namespace AspireMesh.Benchmarks.Footprint;

/// <summary>One idle sidecar.</summary>
/// <param name="Sidecar">Its name.</param>
/// <param name="PssMb">Resident memory with shared pages divided among those who share them.</param>
/// <param name="AnonymousMb">Memory of its own.</param>
/// <param name="RssMb">Resident memory.</param>
/// <param name="ReadyMs">From the process's start to its first snapshot in force.</param>
internal sealed record FootprintRow(string Sidecar, double PssMb, double AnonymousMb, double RssMb, double ReadyMs);
