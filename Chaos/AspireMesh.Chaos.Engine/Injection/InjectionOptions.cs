using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Chaos;

/// <summary>Where and when a fault fires, beyond its edge.</summary>
public sealed class InjectionOptions
{
    private long? _seed;

    /// <summary>The fault's id within its session or experiment; null for one made up.</summary>
    public string? Id { get; set; }

    /// <summary>Only these requests; null for all of the edge's.</summary>
    public RouteMatch? Match { get; set; }

    /// <summary>Which of them.</summary>
    public FaultActivation Activation { get; set; } = new();

    /// <summary>Which end executes it. Default the caller's sidecar.</summary>
    public FaultSide Side { get; set; }

    /// <summary>Seed of the decisions. Default 1: a test repeats itself unless it says otherwise.</summary>
    public long Seed
    {
        get => _seed ?? 1;
        set => _seed = value;
    }

    /// <summary>Whether the seed was said.</summary>
    internal bool HasSeed => _seed is not null;

    /// <summary>It ends by itself after this time, even when the test and the control plane are gone. Default 5 minutes.</summary>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Position among faults on the same request; lower first. In an experiment each fault has its place among the steps unless this is set.</summary>
    public int Order { get; set; }

    /// <summary>In an experiment: taken out after this time while the experiment goes on; null for at its end.</summary>
    public TimeSpan? For { get; set; }

    /// <summary>Named so in the journal and in claims about fires.</summary>
    public InjectionOptions Named(string id)
    {
        Id = id;
        return this;
    }

    /// <summary>Share of matching requests, 0 to 100.</summary>
    public InjectionOptions Percent(double percent)
    {
        Activation = Activation with { Percent = percent };
        return this;
    }

    /// <summary>Only the first <paramref name="count"/> matching requests.</summary>
    public InjectionOptions First(long count)
    {
        Activation = Activation with { First = count };
        return this;
    }

    /// <summary>Only every <paramref name="n"/>-th matching request.</summary>
    public InjectionOptions EveryNth(long n)
    {
        Activation = Activation with { EveryNth = n };
        return this;
    }

    /// <summary>Fires this often and no more.</summary>
    public InjectionOptions Exactly(long count)
    {
        Activation = Activation with { MaxFires = count };
        return this;
    }

    /// <summary>Not before this many matching requests have passed.</summary>
    public InjectionOptions After(long count)
    {
        Activation = Activation with { Skip = count };
        return this;
    }

    /// <summary>The share grows from none to its full size over this many requests.</summary>
    public InjectionOptions RampOver(long requests)
    {
        Activation = Activation with { RampRequests = requests };
        return this;
    }

    /// <summary>Fires for <paramref name="length"/> requests out of each <paramref name="period"/>.</summary>
    public InjectionOptions InBursts(long length, long period)
    {
        Activation = Activation with { BurstLength = length, BurstPeriod = period };
        return this;
    }

    /// <summary>Only from the <paramref name="first"/>-th to the <paramref name="last"/>-th matching request, both counted from 1.</summary>
    public InjectionOptions Between(long first, long last)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
        Activation = Activation with { Skip = first - 1, First = last - first + 1 };
        return this;
    }

    /// <summary>Executed by the callee's sidecar.</summary>
    public InjectionOptions AtCallee()
    {
        Side = FaultSide.Inbound;
        return this;
    }

    /// <summary>Ends by itself after this time, see <see cref="TimeToLive"/>.</summary>
    public InjectionOptions EndingAfter(TimeSpan time)
    {
        TimeToLive = time;
        return this;
    }

    /// <summary>Its decisions come from this seed.</summary>
    public InjectionOptions WithSeed(long seed)
    {
        Seed = seed;
        return this;
    }

    /// <summary>Its place among the faults on the same request, see <see cref="Order"/>.</summary>
    public InjectionOptions InOrder(int order)
    {
        Order = order;
        return this;
    }

    /// <summary>Only requests with this path prefix, whole segments.</summary>
    public InjectionOptions OnPath(string prefix)
    {
        Match = (Match ?? new RouteMatch()) with { Path = new StringMatch(StringMatchKind.Prefix, prefix) };
        return this;
    }

    /// <summary>Only requests with one of these methods.</summary>
    public InjectionOptions OnMethod(params string[] methods)
    {
        Match = (Match ?? new RouteMatch()) with { Methods = [.. methods] };
        return this;
    }

    /// <summary>Only calls of this gRPC service, or of one method of it.</summary>
    public InjectionOptions OnGrpc(string service, string? method = null)
    {
        Match = (Match ?? new RouteMatch()) with { GrpcService = service, GrpcMethod = method };
        return this;
    }

    /// <summary>Only requests that carry this W3C baggage member.</summary>
    public InjectionOptions OnBaggage(string name, string value)
    {
        var match = Match ?? new RouteMatch();
        Match = match with { Baggage = match.Baggage.Add(new NamedMatch(name, new StringMatch(StringMatchKind.Exact, value))) };
        return this;
    }

    /// <summary>Only requests that carry this header value.</summary>
    public InjectionOptions OnHeader(string name, string value)
    {
        var match = Match ?? new RouteMatch();
        Match = match with { Headers = match.Headers.Add(new NamedMatch(name, new StringMatch(StringMatchKind.Exact, value))) };
        return this;
    }
}
