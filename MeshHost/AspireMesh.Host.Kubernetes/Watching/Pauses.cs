namespace AspireMesh.Host.Kubernetes.Watching;

/// <summary>Pauses between attempts: doubled up to a limit, each shortened by up to half at random so that replicas do not come back in step.</summary>
internal sealed class Pauses(TimeSpan first, Random random)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private int _doubled;

    public TimeSpan Next()
    {
        var whole = first * Math.Pow(2, _doubled);
        if (whole < Longest) _doubled++;
        else whole = Longest;
        return whole * (1 - random.NextDouble() / 2);
    }

    public void Reset() => _doubled = 0;
}
