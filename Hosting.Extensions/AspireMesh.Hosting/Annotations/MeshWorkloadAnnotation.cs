using AspireMesh.Protocol.Model;

namespace AspireMesh.Hosting.Annotations;

/// <summary>A change that the AppHost makes to a workload as planned; applied in the order written.</summary>
internal sealed record MeshWorkloadAnnotation(Func<WorkloadModel, WorkloadModel> Change) : IResourceAnnotation;
