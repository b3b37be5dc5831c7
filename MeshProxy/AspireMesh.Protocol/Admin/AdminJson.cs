using System.Text.Json;
using System.Text.Json.Serialization;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Protocol.Admin;

/// <summary>The encoding of the admin API. Apart from <see cref="MeshJson"/>, so that a sidecar published ahead of time does not carry it.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(MeshStatus))]
[JsonSerializable(typeof(CheckResult))]
[JsonSerializable(typeof(AdminRefusal))]
[JsonSerializable(typeof(CertificatesView))]
[JsonSerializable(typeof(RouteView[]))]
[JsonSerializable(typeof(StatRow[]))]
[JsonSerializable(typeof(MeshSnapshot))]
[JsonSerializable(typeof(MeshModel))]
[JsonSerializable(typeof(FaultRule))]
[JsonSerializable(typeof(FaultRule[]))]
[JsonSerializable(typeof(FaultLease))]
[JsonSerializable(typeof(FaultTally[]))]
[JsonSerializable(typeof(TapEvent))]
[JsonSerializable(typeof(SplitChange))]
[JsonSerializable(typeof(MtlsChange))]
[JsonSerializable(typeof(AppAddressChange))]
[JsonSerializable(typeof(AppHealthChange))]
[JsonSerializable(typeof(CallerAddressesChange))]
[JsonSerializable(typeof(BootstrapRequest))]
[JsonSerializable(typeof(SidecarBootstrap))]
[JsonSerializable(typeof(RenewChange))]
[JsonSerializable(typeof(UpgradeRequest))]
[JsonSerializable(typeof(UpgradeTicket))]
[JsonSerializable(typeof(UpgradeOutcome))]
[JsonSerializable(typeof(RunFile))]
public sealed partial class AdminJson : JsonSerializerContext;
