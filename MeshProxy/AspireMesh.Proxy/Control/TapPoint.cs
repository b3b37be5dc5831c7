using System.Threading.Channels;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.Proxy.Control;

/// <summary>Where requests are shown to a tap. Costs one read of a field while nobody taps; drops what is not taken away in time.</summary>
internal sealed class TapPoint
{
    private const int Waiting = 256;
    private readonly Channel<TapEvent> _events = Channel.CreateBounded<TapEvent>(new BoundedChannelOptions(Waiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = false });
    private volatile TapFilter? _filter;

    /// <summary>Whether anyone looks.</summary>
    public bool IsOn => _filter is not null;

    /// <summary>What waits to be sent.</summary>
    public ChannelReader<TapEvent> Events => _events.Reader;

    /// <summary>Turns the tap on with a filter, or off with null.</summary>
    public void Change(TapFilter? filter) => _filter = filter;

    /// <summary>Shows a request, if the filter wants it.</summary>
    public void Show(TapEvent shown)
    {
        if (_filter is { } filter && Matches(filter, shown)) _events.Writer.TryWrite(shown);
    }

    private static bool Matches(TapFilter filter, TapEvent shown) =>
        (filter.From is null || filter.From == shown.From)
        && (filter.To is null || filter.To == shown.To)
        && (filter.Method is null || string.Equals(filter.Method, shown.Method, StringComparison.OrdinalIgnoreCase))
        && (filter.Path is null || shown.Path?.StartsWith(filter.Path, StringComparison.Ordinal) == true)
        && shown.Status >= filter.MinStatus;
}
