using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Chaos;

/// <summary>Where and when a fault fires, beyond its edge.</summary>
public sealed class InjectionOptions
{
    /// <summary>Only these requests; null for all of the edge's.</summary>
    public RouteMatch? Match { get; set; }

    /// <summary>Which of them.</summary>
    public FaultActivation Activation { get; set; } = new();

    /// <summary>Which end executes it. Default the caller's sidecar.</summary>
    public FaultSide Side { get; set; }

    /// <summary>Seed of the decisions. Default 1: a test repeats itself unless it says otherwise.</summary>
    public long Seed { get; set; } = 1;

    /// <summary>It ends by itself after this time, even when the test and the control plane are gone. Default 5 minutes.</summary>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Position among faults on the same request; lower first.</summary>
    public int Order { get; set; }

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

    /// <summary>Only requests that carry this header value.</summary>
    public InjectionOptions OnHeader(string name, string value)
    {
        var match = Match ?? new RouteMatch();
        Match = match with { Headers = match.Headers.Add(new NamedMatch(name, new StringMatch(StringMatchKind.Exact, value))) };
        return this;
    }
}
