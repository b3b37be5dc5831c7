using System.Net.Sockets;
using AspireMesh.Rehearsal.Addressing;
using AspireMesh.Rehearsal.Reading;

namespace AspireMesh.Rehearsal.Pods;

/// <summary>Where a rehearsal's pods run: each in network and mount namespaces of its own, or all on this machine's loopback.</summary>
internal interface IPodSite : IAsyncDisposable
{
    /// <summary>What it is called in the ready line.</summary>
    string Name { get; }

    /// <summary>What is not as in a cluster because of it.</summary>
    IReadOnlyList<string> Differences { get; }

    /// <summary>Whether containers run as the user they ask for; as whoever rehearses otherwise, unless the program cannot.</summary>
    bool KeepsUsers { get; }

    /// <summary>Names what is left behind if the rehearsal is killed, together with its folder.</summary>
    string Mark { get; }

    /// <summary>The address of this machine that pods reach; the stand-in API server listens there.</summary>
    string Gateway { get; }

    /// <summary>The manifests as they can be run here.</summary>
    /// <param name="manifests">As they were published.</param>
    /// <param name="volumes">Where a pod's volume lies, by pod and volume.</param>
    ManifestSet Adapt(ManifestSet manifests, Func<string, string, string> volumes);

    /// <summary>The address of a pod by its number, from 0.</summary>
    string PodAddress(int pod);

    /// <summary>The address of a Service by its number, from 0.</summary>
    string ServiceAddress(int service);

    /// <summary>Makes the place for a pod.</summary>
    Task AddAsync(PodPlan pod, int number, ServiceDirectory services);

    /// <summary>Where a container finds a file of this machine that is mounted at <paramref name="inside"/>.</summary>
    string Inside(string outside, string inside);

    /// <summary>Starts a container.</summary>
    ContainerProcess Start(ContainerStart start, Action<string> output);

    /// <summary>Connects to a port on a pod's own loopback address.</summary>
    /// <exception cref="IOException">The pod is gone.</exception>
    /// <exception cref="SocketException">Nobody listens.</exception>
    Task<Socket> ConnectAsync(string pod, int port, CancellationToken cancellationToken);
}
