namespace AspireMesh.Benchmarks.Control;

/// <summary>A control plane in a process of its own with many connected workloads.</summary>
/// <param name="Workloads">How many, each with five references.</param>
/// <param name="FirstSnapshotSeconds">From the first join until every workload has its first snapshot.</param>
/// <param name="CpuSeconds">Processor time that the control plane's process took for it; the rest is its clients', which share the machine.</param>
/// <param name="ResidentMb">What the control plane's process holds then.</param>
/// <param name="SnapshotBytes">Mean size of a snapshot.</param>
/// <param name="ChangedSidecars">Sidecars that were told when one app became unhealthy.</param>
/// <param name="ChangeBytes">Bytes of snapshots pushed for it.</param>
/// <param name="ChangeMs">From the change until the last of them had its snapshot.</param>
internal sealed record ControlRow(int Workloads, double FirstSnapshotSeconds, double CpuSeconds, double ResidentMb, long SnapshotBytes, int ChangedSidecars, long ChangeBytes, double ChangeMs);
