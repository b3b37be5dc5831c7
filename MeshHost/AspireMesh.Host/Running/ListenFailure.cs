using System.Net.Sockets;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Host.Running;

/// <summary>Turns "address in use" into a sentence that says which, and what to do.</summary>
internal static class ListenFailure
{
    public static async Task Explain(string listen, string what, Func<Task> start)
    {
        try
        {
            await start();
        }
        catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException or SocketException)
        {
            throw InUse(listen, what);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            throw InUse(listen, what);
        }
    }

    private static MeshValidationException InUse(string listen, string what) =>
        new([MeshDiagnostics.PortInUse.Found($"The {what} cannot listen on {listen}: the port is in use or not allowed. End what holds it, or choose another port (0 takes a free one).")]);
}
