using System.Text;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Proxy.Faults;

/// <summary>Ordinals, fires and decisions of one rule on one edge. They outlast snapshots, and stay readable for a while after the rule is gone.</summary>
internal sealed class FaultCounts(FaultRule rule, FaultEdge edge)
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _decisions = new();
    private long _ordinal;
    private long _fires;

    /// <summary>Decisions so far.</summary>
    public long Requests => Interlocked.Read(ref _ordinal);

    /// <summary>
    /// Takes the next ordinal and decides. Ordinal and decision are one step: with a maximum of fires, which ordinals fire must not depend on which thread was faster.
    /// </summary>
    public bool Take(Func<long, bool> fires, long most, out long ordinal)
    {
        lock (_gate)
        {
            ordinal = _ordinal + 1;
            Interlocked.Exchange(ref _ordinal, ordinal);
            var fired = (most <= 0 || _fires < most) && fires(ordinal);
            if (fired) _fires++;
            if (_decisions.Length < FaultTally.MostDecisions) _decisions.Append(fired ? 'x' : '.');
            return fired;
        }
    }

    public FaultTally Read()
    {
        lock (_gate)
        {
            return new FaultTally
            {
                Fault = rule.Id,
                Kind = rule.Fault.Kind,
                From = edge.From,
                To = edge.To,
                Endpoint = edge.Endpoint,
                Seed = rule.Seed,
                Requests = _ordinal,
                Fires = _fires,
                Decisions = _decisions.ToString(),
            };
        }
    }

    public bool IsOf(FaultCounts other) => other.Id == Id;

    private (string, FaultEdge) Id { get; } = (rule.Id, edge);
}
