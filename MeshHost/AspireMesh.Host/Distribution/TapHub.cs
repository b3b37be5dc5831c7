using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;
using Google.Protobuf;

namespace AspireMesh.Host.Distribution;

/// <summary>
/// Taps: sidecars send requests only while somebody looks. One reader's filter goes down to the sidecars; with several, sidecars send all and each reader
/// is given what it asked for. A reader that is too slow misses events, the sidecars never wait.
/// </summary>
internal sealed class TapHub
{
    private const int Backlog = 1000;

    private readonly Lock _gate = new();
    private readonly HashSet<SidecarConnection> _connections = [];
    private ImmutableArray<Reader> _readers = [];

    public void Attach(SidecarConnection connection)
    {
        lock (_gate)
        {
            _connections.Add(connection);
            if (_readers.Length > 0) connection.Send(Change());
        }
    }

    public void Detach(SidecarConnection connection)
    {
        lock (_gate) _connections.Remove(connection);
    }

    public void Publish(TapEvent tapped)
    {
        foreach (var reader in _readers)
        {
            if (Matches(reader.Filter, tapped)) reader.Events.Writer.TryWrite(tapped);
        }
    }

    /// <summary>Events that match, until cancelled.</summary>
    public async IAsyncEnumerable<TapEvent> ReadAsync(TapFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = new Reader(filter, Channel.CreateBounded<TapEvent>(new BoundedChannelOptions(Backlog) { FullMode = BoundedChannelFullMode.DropOldest }));
        Change(readers => readers.Add(reader));
        try
        {
            await foreach (var tapped in reader.Events.Reader.ReadAllAsync(cancellationToken)) yield return tapped;
        }
        finally
        {
            Change(readers => readers.Remove(reader));
        }
    }

    private void Change(Func<ImmutableArray<Reader>, ImmutableArray<Reader>> change)
    {
        lock (_gate)
        {
            _readers = change(_readers);
            var message = Change();
            foreach (var connection in _connections) connection.Send(message);
        }
    }

    private TapChange Change() => new()
    {
        On = _readers.Length > 0,
        Filter = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(_readers.Length == 1 ? _readers[0].Filter : new TapFilter(), MeshJson.Default.TapFilter)),
    };

    private static bool Matches(TapFilter filter, TapEvent tapped) =>
        (filter.From is null || filter.From == tapped.From)
        && (filter.To is null || filter.To == tapped.To)
        && (filter.Path is null || tapped.Path?.StartsWith(filter.Path, StringComparison.Ordinal) == true)
        && (filter.Method is null || string.Equals(filter.Method, tapped.Method, StringComparison.OrdinalIgnoreCase))
        && tapped.Status >= filter.MinStatus;

    private sealed record Reader(TapFilter Filter, Channel<TapEvent> Events);
}
