using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Http;

/// <summary>The policies' half of the data plane: compiles rules per snapshot and handles every HTTP request.</summary>
internal interface IHttpPipeline : IAsyncDisposable
{
    /// <summary>Makes the rules of a snapshot; adds to <paramref name="errors"/> whatever cannot be obeyed, each naming the place and what was found.</summary>
    /// <param name="snapshot">The new snapshot.</param>
    /// <param name="previous">The rules in force, whose destination state is carried over; null for the first.</param>
    /// <param name="errors">Every problem.</param>
    ITrafficRules Compile(MeshSnapshot snapshot, ITrafficRules? previous, List<string> errors);

    /// <summary>Handles one request. The entry says where it came in; the runtime is the one it keeps to its end.</summary>
    Task HandleAsync(HttpContext context, HttpEntry entry, SidecarRuntime runtime);
}
