namespace AspireMesh.Protocol.Diagnostics;

/// <summary>
/// The one list of everything AspireMesh reports by id. Ranges: 0001 the mesh model and its policies; 0100 planning an AppHost; 0200 what a sidecar
/// refuses; 0300 identity; 0400 the operator's tool and the run file; 0500 simulator and build; 0600 faults and chaos; 0700 publishing.
/// </summary>
public static class MeshDiagnostics
{
    private static readonly List<MeshDiagnostic> Defined = [];

    /// <summary>Every diagnostic, in the order of this file.</summary>
    public static IReadOnlyList<MeshDiagnostic> All => Defined;

    // 0001: the mesh model and its policies (checked by the control plane).

    /// <summary>A trust domain or namespace that no SPIFFE ID can carry.</summary>
    public static MeshDiagnostic BadTrustDomain { get; } = Define("MESH0001", "The trust domain or namespace cannot be used", "Use a-z, 0-9, '.', '-' and '_', for example .WithTrustDomain(\"shop.mesh\").");

    /// <summary>A workload, endpoint or instance name that cannot be used.</summary>
    public static MeshDiagnostic BadName { get; } = Define("MESH0002", "A name cannot be used in the mesh", "Rename the resource or endpoint: letters, digits, '.', '-' and '_'.");

    /// <summary>Two things of one kind with the same name.</summary>
    public static MeshDiagnostic DuplicateName { get; } = Define("MESH0003", "Two things have the same name", "Rename one of them, or remove the second.");

    /// <summary>A workload that is not in the mesh.</summary>
    public static MeshDiagnostic UnknownWorkload { get; } = Define("MESH0004", "A workload is not in the mesh", "Correct the name, or bring the resource into the mesh with .WithMesh().");

    /// <summary>An endpoint that its workload does not have.</summary>
    public static MeshDiagnostic UnknownEndpoint { get; } = Define("MESH0005", "A workload has no such endpoint", "Correct the endpoint's name, or declare it with .WithHttpEndpoint(name: …).");

    /// <summary>An address that is no <c>host:port</c>.</summary>
    public static MeshDiagnostic BadAddress { get; } = Define("MESH0006", "An address cannot be used", "Write it as host:port with a port from 1 to 65535, for example 127.0.0.1:8080.");

    /// <summary>Two listeners on one address.</summary>
    public static MeshDiagnostic PortConflict { get; } = Define("MESH0007", "Two listeners want the same address", "Give one of them another port.");

    /// <summary>A workload without sidecar.</summary>
    public static MeshDiagnostic NoSidecar { get; } = Define("MESH0008", "A workload has no sidecar, or an edge has no listener for one", "Give every sidecar of the caller a listen address.");

    /// <summary>A policy value outside its range.</summary>
    public static MeshDiagnostic ValueOutOfRange { get; } = Define("MESH0009", "A policy value is outside its range", "Set it to a value within the range the message names.");

    /// <summary>Policies that exclude each other.</summary>
    public static MeshDiagnostic PoliciesConflict { get; } = Define("MESH0010", "Policies exclude each other or do not apply", "Remove one of them.");

    /// <summary>A traffic split that sends nothing anywhere.</summary>
    public static MeshDiagnostic SplitWithoutWeight { get; } = Define("MESH0011", "All weights of a traffic split are 0", "Give at least one leg a weight above 0.");

    /// <summary>A regular expression that cannot be compiled.</summary>
    public static MeshDiagnostic BadRegex { get; } = Define("MESH0012", "A regular expression cannot be used", "Correct it; look-around and back references are not available (it runs without backtracking).");

    /// <summary>A JWT policy without keys.</summary>
    public static MeshDiagnostic JwtWithoutKeys { get; } = Define("MESH0013", "A JWT policy cannot validate anything", "Set either JwksUri (https, or http on loopback) or Jwks, and an issuer.");

    /// <summary>A subset that no sidecar belongs to.</summary>
    public static MeshDiagnostic EmptySubset { get; } = Define("MESH0014", "A subset has no workload", "Label the workload with .WithMeshLabels(…), or correct the subset.");

    /// <summary>A missing reference.</summary>
    public static MeshDiagnostic NoEdge { get; } = Define("MESH0015", "There is no reference between two workloads", "Add it with .WithReference(…) on the caller.");

    /// <summary>A policy document that cannot be read.</summary>
    public static MeshDiagnostic BadDocument { get; } = Define("MESH0016", "A document cannot be read", "Correct the place the message names.");

    /// <summary>A gateway certificate that cannot be read.</summary>
    public static MeshDiagnostic BadCertificate { get; } = Define("MESH0017", "A certificate cannot be used", "Give PEM with the certificate and its unencrypted private key.");

    // 0100: planning an AppHost.

    /// <summary>A second mesh in one AppHost.</summary>
    public static MeshDiagnostic SecondMesh { get; } = Define("MESH0100", "An AppHost has two meshes", "Call AddServiceMesh once, or with the same name.");

    /// <summary>A setting of the mesh that cannot be read.</summary>
    public static MeshDiagnostic BadMeshSetting { get; } = Define("MESH0101", "A setting of the mesh cannot be used", "Write one of the values the message names.");

    /// <summary>A reference to a UDP endpoint.</summary>
    public static MeshDiagnostic UdpEndpoint { get; } = Define("MESH0102", "A reference leads to a UDP endpoint", "Keep the callee outside with .WithoutMesh(\"uses UDP\"), or offer the endpoint over TCP.");

    /// <summary>A container that calls others.</summary>
    public static MeshDiagnostic ContainerCalls { get; } = Define("MESH0103", "A container cannot reach its sidecar", "Use an engine whose bridge is on this machine (Docker or Podman on Linux), keep it outside with .WithoutMesh(\"runs in a container\"), or run it as a project or executable.");

    /// <summary>A call that leaves or enters the mesh because one side is outside.</summary>
    public static MeshDiagnostic OutsideTheMesh { get; } = Define("MESH0104", "A call has one side outside the mesh", "Bring the other side in with .WithMesh().");

    /// <summary>A value whose references could not be seen while planning.</summary>
    public static MeshDiagnostic ValueNotSeen { get; } = Define("MESH0105", "A value could not be looked into", "Add .WithReference(…) on the caller, and use the EndpointReference itself as the value.");

    /// <summary>A protocol that tells clients addresses.</summary>
    public static MeshDiagnostic AnnouncesAddresses { get; } = Define("MESH0106", "A server tells its clients addresses", "See with aspiremesh status whether clients go past the mesh; if so, .WithoutMesh(\"announces its addresses\").");

    /// <summary>A sidecar's name that a resource already has.</summary>
    public static MeshDiagnostic SidecarNameTaken { get; } = Define("MESH0107", "A sidecar's name is taken", "Rename the resource that has it.");

    /// <summary>Policies on a resource that has no sidecar.</summary>
    public static MeshDiagnostic PolicyOutsideTheMesh { get; } = Define("MESH0108", "A resource outside the mesh has mesh policies", "Remove the policies, or write .WithMesh() last.");

    /// <summary>An external service that the sidecar cannot carry.</summary>
    public static MeshDiagnostic ExternalNotCarried { get; } = Define("MESH0109", "An external service is called past the mesh", "Give its address as an http or https Uri.");

    /// <summary>A proxy that was not found.</summary>
    public static MeshDiagnostic ProxyNotFound { get; } = Define("MESH0110", "The proxy executable was not found", "Set ASPIREMESH_PROXY to it; until then sidecars run inside the AppHost.");

    /// <summary>A control plane of its own that could not be started.</summary>
    public static MeshDiagnostic ControlPlaneNotStarted { get; } = Define("MESH0111", "The control plane's process could not be started", "Set ASPIREMESH_TOOL to the aspiremesh executable, or leave out WithControlPlane(OwnProcess).");

    /// <summary>A policy file that cannot be used.</summary>
    public static MeshDiagnostic BadPolicyFile { get; } = Define("MESH0112", "The policy file cannot be used", "Correct the place the message names.");

    /// <summary>A sidecar that stopped by itself.</summary>
    public static MeshDiagnostic SidecarDied { get; } = Define("MESH0113", "A sidecar stopped by itself and was started again", "Look at its log in the dashboard.");

    /// <summary>A gateway with TLS on a machine without a developer certificate.</summary>
    public static MeshDiagnostic NoDeveloperCertificate { get; } = Define("MESH0120", "A gateway takes TLS with a certificate that nobody trusts", "Type: dotnet dev-certs https --trust");

    /// <summary>A proxy that keeps calls out of the mesh away from the sidecars.</summary>
    public static MeshDiagnostic ProxyIsSet { get; } = Define("MESH0121", "A proxy is set already, so egress is not watched", "Unset HTTP_PROXY, HTTPS_PROXY and ALL_PROXY where the AppHost is started.");

    // 0200: what a sidecar refuses, in a snapshot or in traffic.

    /// <summary>A snapshot that a sidecar refused.</summary>
    public static MeshDiagnostic SnapshotRefused { get; } = Define("MESH0200", "A sidecar refused its snapshot", "Correct what the reasons name; the last good snapshot stays in force.");

    /// <summary>A call out of the mesh that a sidecar did not carry.</summary>
    public static MeshDiagnostic EgressRefused { get; } = Define("MESH0210", "A sidecar refused a call out of the mesh", "Declare the destination with builder.AddExternalService(…) and .WithReference(…) on the caller, or ask for .WithUndeclaredEgress(EgressMode.Audit).");

    // 0300: identity.

    /// <summary>A join that was refused.</summary>
    public static MeshDiagnostic JoinRefused { get; } = Define("MESH0300", "A sidecar could not join", "Start the sidecar's resource again: it gets a fresh token.");

    /// <summary>A certificate request that cannot be granted.</summary>
    public static MeshDiagnostic BadCertificateRequest { get; } = Define("MESH0301", "A certificate request cannot be granted", "Send a PKCS#10 request signed with an ECDSA P-256 or P-384 key.");

    /// <summary>A peer certificate that is no SVID of this mesh.</summary>
    public static MeshDiagnostic NotAnSvid { get; } = Define("MESH0302", "A certificate is no SVID of this mesh", "Use the certificate that the control plane issued.");

    /// <summary>CA files that cannot be used.</summary>
    public static MeshDiagnostic BadCertificateAuthority { get; } = Define("MESH0303", "The certificate authority cannot be used", "Give a CA certificate with keyCertSign and its ECDSA key, or remove the state directory for a new one.");

    /// <summary>A rotation that could not go on.</summary>
    public static MeshDiagnostic RotationStopped { get; } = Define("MESH0304", "A root rotation stopped", "Bring the sidecars it waits for back, then type: aspiremesh certs rotate");

    /// <summary>A sidecar without a valid SVID.</summary>
    public static MeshDiagnostic SvidMissing { get; } = Define("MESH0305", "A sidecar has no valid SVID", "Start the sidecar's resource again.");

    /// <summary>A sidecar's bootstrap that cannot be used.</summary>
    public static MeshDiagnostic BadBootstrap { get; } = Define("MESH0306", "A sidecar's bootstrap cannot be used", "Start the sidecar's resource again.");

    /// <summary>A Workload API that gives no identity.</summary>
    public static MeshDiagnostic WorkloadApiAway { get; } = Define("MESH0307", "The SPIFFE Workload API gives no identity", "Look at the agent and at its registration entries.");

    /// <summary>An issuer of the cluster that gives the control plane no certificate.</summary>
    public static MeshDiagnostic IssuerRefused { get; } = Define("MESH0308", "The cluster's issuer gives no intermediate CA", "Look at the CertificateRequest that the message names.");

    /// <summary>A sidecar of another version than its control plane.</summary>
    public static MeshDiagnostic OlderSidecar { get; } = Define("MESH0309", "A sidecar runs another version than the control plane", "Type: aspiremesh upgrade SIDECAR");

    // 0400: the operator's tool, the run file and the state of a running mesh.

    /// <summary>No running mesh.</summary>
    public static MeshDiagnostic NoMesh { get; } = Define("MESH0400", "No running mesh was found", "Start the AppHost: dotnet run --project <apphost>");

    /// <summary>Several running meshes.</summary>
    public static MeshDiagnostic SeveralMeshes { get; } = Define("MESH0401", "Several meshes are running", "Choose one with --mesh <apphost>.");

    /// <summary>A control plane that does not answer.</summary>
    public static MeshDiagnostic ControlPlaneAway { get; } = Define("MESH0402", "The control plane does not answer", "Start the AppHost again.");

    /// <summary>A sidecar that is not connected.</summary>
    public static MeshDiagnostic SidecarAway { get; } = Define("MESH0403", "A sidecar is not connected", "Look at its log, then type: aspiremesh check --wait 30");

    /// <summary>A sidecar that has not acknowledged its snapshot.</summary>
    public static MeshDiagnostic SnapshotNotAcknowledged { get; } = Define("MESH0404", "A sidecar has not acknowledged its snapshot", "Look at its log, then type: aspiremesh check --wait 30");

    /// <summary>An app that is not healthy.</summary>
    public static MeshDiagnostic AppUnhealthy { get; } = Define("MESH0405", "An app is not healthy", "Look at the resource's log in the dashboard.");

    /// <summary>Callers that still use plaintext.</summary>
    public static MeshDiagnostic PlaintextCallers { get; } = Define("MESH0406", "Callers still need plaintext", "Bring them into the mesh before you type: aspiremesh mtls strict");

    /// <summary>A port that is in use.</summary>
    public static MeshDiagnostic PortInUse { get; } = Define("MESH0407", "A port is in use", "End the process that holds it, or choose another port.");

    /// <summary>A wrong value on the command line.</summary>
    public static MeshDiagnostic BadArgument { get; } = Define("MESH0408", "An argument cannot be used", "Correct it as the message says.");

    /// <summary>A sidecar that cannot be upgraded.</summary>
    public static MeshDiagnostic CannotUpgrade { get; } = Define("MESH0409", "A sidecar was not upgraded", "Do what the message says; the process before still runs.");

    // 0500: simulator and build.

    /// <summary>A project that has both hosts; reported by the build targets of the package AspireMesh.Simulator.</summary>
    public static MeshDiagnostic TwoHosts { get; } = Define("MESH0500", "A project has both the simulator and Aspire's own packages", "Remove the package AspireMesh.Simulator, or the Aspire.* packages.");

    // 0600: faults and chaos.

    /// <summary>Faults are off.</summary>
    public static MeshDiagnostic ChaosDisabled { get; } = Define("MESH0600", "Faults are off in this mesh", "Turn them on with .WithChaos(), or start the AppHost with --Mesh:Chaos=true.");

    /// <summary>A fault that cannot be injected.</summary>
    public static MeshDiagnostic BadFault { get; } = Define("MESH0601", "A fault cannot be injected", "Correct what the message names.");

    /// <summary>A fault that is not there.</summary>
    public static MeshDiagnostic UnknownFault { get; } = Define("MESH0602", "There is no such fault", "See what is in force with: aspiremesh faults list");

    /// <summary>An experiment that cannot be run.</summary>
    public static MeshDiagnostic BadExperiment { get; } = Define("MESH0603", "An experiment cannot be run", "Correct the places that the messages name.");

    /// <summary>An experiment of another program of which something cannot be taken over.</summary>
    public static MeshDiagnostic BadImport { get; } = Define("MESH0604", "An imported experiment has parts that cannot be taken over", "Remove those parts or write them in our own format.");

    // 0700: publishing.

    /// <summary>YAML that cannot be read.</summary>
    public static MeshDiagnostic BadManifest { get; } = Define("MESH0700", "A manifest cannot be read", "Correct the line that the message names.");

    /// <summary>A chart that our reader does not render.</summary>
    public static MeshDiagnostic BadChart { get; } = Define("MESH0701", "A chart cannot be rendered", "Publish again, or render it with: helm template");

    /// <summary>Something that cannot be published.</summary>
    public static MeshDiagnostic CannotPublish { get; } = Define("MESH0702", "The mesh cannot be published", "Correct what the message names.");

    /// <summary>A policy that is lost in the mesh it was published to.</summary>
    public static MeshDiagnostic PolicyLost { get; } = Define("MESH0703", "A policy is lost where the mesh is published to", "Keep our sidecars with keepSidecars: true, remove the policy, or publish without --strict.");

    /// <summary>Something to know about what was published.</summary>
    public static MeshDiagnostic PublishNotice { get; } = Define("MESH0704", "What was published differs from the laptop", "Read mesh-report.md.");

    /// <summary>A pod that cannot have a sidecar.</summary>
    public static MeshDiagnostic CannotInject { get; } = Define("MESH0705", "A pod cannot have a sidecar", "Change the pod as the message says, or leave it out of the files that are given to inject.");

    /// <summary>A rehearsal that cannot be run, or not on this machine.</summary>
    public static MeshDiagnostic CannotRehearse { get; } = Define("MESH0710", "A chart cannot be rehearsed here", "Do what the message says; the programs have to be built.");

    private static MeshDiagnostic Define(string id, string title, string whatToDo)
    {
        var diagnostic = new MeshDiagnostic(id, title, whatToDo);
        Defined.Add(diagnostic);
        return diagnostic;
    }
}
