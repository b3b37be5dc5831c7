// A shop is a dozen processes: two of them at once on a small machine wait for each other, not for the mesh.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
