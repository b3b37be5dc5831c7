namespace AspireMesh.Proxy.Outbound.LoadBalancing;

/// <summary>Shares of candidates: the weight that the model gives, less what slow start still holds back.</summary>
internal static class Weights
{
    /// <summary>Never negative.</summary>
    public static double Of(Destination destination, TimeSpan slowStart) => Math.Max(0, destination.Snapshot.Weight) * destination.State.WarmUp(slowStart);

    /// <summary>The sum, leaving one out.</summary>
    /// <param name="candidates">The candidates.</param>
    /// <param name="slowStart">How long a new one grows.</param>
    /// <param name="without">The index that does not count; -1 for none.</param>
    public static double Sum(ReadOnlySpan<Destination> candidates, TimeSpan slowStart, int without = -1)
    {
        var total = 0.0;
        for (var i = 0; i < candidates.Length; i++)
            if (i != without) total += Of(candidates[i], slowStart);
        return total;
    }

    /// <summary>One at random in proportion to weight; where none has any, each alike. The candidates without <paramref name="without"/> must not be empty.</summary>
    public static int Draw(ReadOnlySpan<Destination> candidates, TimeSpan slowStart, Chance chance, int without = -1)
    {
        var total = Sum(candidates, slowStart, without);
        if (total <= 0)
        {
            var any = chance.Next(without < 0 ? candidates.Length : candidates.Length - 1);
            return without >= 0 && any >= without ? any + 1 : any;
        }

        var point = chance.NextDouble() * total;
        var last = 0;
        for (var i = 0; i < candidates.Length; i++)
        {
            if (i == without || Of(candidates[i], slowStart) is not (> 0 and var weight)) continue;
            last = i;
            point -= weight;
            if (point < 0) break;
        }

        return last;
    }
}
