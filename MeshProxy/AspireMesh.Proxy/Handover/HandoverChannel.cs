using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;

namespace AspireMesh.Proxy.Handover;

/// <summary>
/// The conversation between a sidecar's old process and its new one, over a Unix socket in a directory that only their user may enter. The old one offers its
/// open ports; <c>joined</c> makes it leave the control plane to the new one, <c>ready</c> makes it drain. It goes on as before when the new one dies in between.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class HandoverChannel(Socket socket) : IDisposable
{
    private const int MostPorts = 10_000;
    private const int LongestLine = 64;

    /// <summary>The new process's side; null where nobody is there to take over from.</summary>
    public static HandoverChannel? TryConnect(string path, TimeSpan patience)
    {
        var socket = NewSocket(patience);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new HandoverChannel(socket);
        }
        catch (SocketException)
        {
            // No such file, or one that a process left behind: this is the first, and opens its ports itself.
            socket.Dispose();
            return null;
        }
    }

    /// <summary>An unconnected socket of the right kind; calls on a connected one end after this time.</summary>
    public static Socket NewSocket(TimeSpan patience) => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
    {
        ReceiveTimeout = (int)patience.TotalMilliseconds,
        SendTimeout = (int)patience.TotalMilliseconds,
    };

    /// <summary>Offers ports to the other end.</summary>
    public void Offer(IReadOnlyList<Socket> ports)
    {
        Say($"ports {ports.Count}");
        foreach (var port in ports) DescriptorPassing.Send(socket, port.SafeHandle);
    }

    /// <summary>Takes what the other end offers, by address.</summary>
    public Dictionary<IPEndPoint, Socket> Take()
    {
        var line = Hear();
        if (!line.StartsWith("ports ", StringComparison.Ordinal) || !int.TryParse(line.AsSpan(6), out var count) || count is < 0 or > MostPorts)
        {
            throw new IOException($"the sidecar's old process said '{line}' instead of how many ports it has");
        }
        var ports = new Dictionary<IPEndPoint, Socket>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                var port = DescriptorPassing.Receive(socket);
                if (port.LocalEndPoint is not IPEndPoint address)
                {
                    port.Dispose();
                    throw new IOException("the sidecar's old process passed on a socket that is no port");
                }
                ports[address] = port;
            }
            return ports;
        }
        catch
        {
            // What has come so far listens on here, and would be in the way of who opens the ports anew.
            foreach (var port in ports.Values) port.Dispose();
            throw;
        }
    }

    /// <summary>Says a word.</summary>
    public void Say(string word) => socket.Send(Encoding.ASCII.GetBytes(word + "\n"));

    /// <summary>The next word, byte by byte: what follows it may carry a socket.</summary>
    /// <exception cref="IOException">The other end is gone, or says nothing that could be a word.</exception>
    public string Hear()
    {
        Span<byte> word = stackalloc byte[LongestLine];
        for (var i = 0; i < word.Length; i++)
        {
            if (socket.Receive(word.Slice(i, 1)) == 0) throw new IOException("the other process has ended");
            if (word[i] == '\n') return Encoding.ASCII.GetString(word[..i]);
        }
        throw new IOException("the other process said something that is no word");
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();
}
