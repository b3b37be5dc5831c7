using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Protocol;

/// <summary>
/// The one JSON encoding of everything that travels or is stored: camelCase, enums as camelCase text, nulls and defaults left out where they are null.
/// Source-generated, so that the proxy can be published ahead of time. The source generator does not keep initializers of init-only properties
/// that a document leaves out, so a writer writes every field, and a control plane is never older than its sidecars (the rule other meshes have).
/// Documents written by people (policy and experiment files) are read by the control plane with reflection, which does keep them.
/// </summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(MeshModel))]
[JsonSerializable(typeof(MeshSnapshot))]
[JsonSerializable(typeof(SidecarBootstrap))]
[JsonSerializable(typeof(FaultRule))]
[JsonSerializable(typeof(FaultRule[]))]
[JsonSerializable(typeof(MeshStatus))]
[JsonSerializable(typeof(SidecarReport))]
[JsonSerializable(typeof(TapFilter))]
[JsonSerializable(typeof(TapEvent))]
[JsonSerializable(typeof(RunFile))]
public sealed partial class MeshJson : JsonSerializerContext;
