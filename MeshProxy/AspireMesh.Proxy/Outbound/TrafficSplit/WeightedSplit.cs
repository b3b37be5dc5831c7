namespace AspireMesh.Proxy.Outbound.TrafficSplit;

/// <summary>Chooses a cluster in proportion to weights. One leg costs nothing; weight 0 gets nothing.</summary>
internal sealed class WeightedSplit<T>
{
    private readonly T[] _legs;
    private readonly int[] _upTo;
    private readonly int _total;

    public WeightedSplit(IEnumerable<(T Leg, int Weight)> legs)
    {
        var live = legs.Where(l => l.Weight > 0).ToArray();
        _legs = [.. live.Select(l => l.Leg)];
        _upTo = new int[live.Length];
        for (var i = 0; i < live.Length; i++) _upTo[i] = _total = checked(_total + live[i].Weight);
    }

    /// <summary>The chosen leg; the default value when no leg has weight.</summary>
    public T? Choose(Chance chance)
    {
        if (_legs.Length <= 1) return _legs.Length == 0 ? default : _legs[0];
        var point = chance.Next(_total);
        var i = 0;
        while (point >= _upTo[i]) i++;
        return _legs[i];
    }
}
