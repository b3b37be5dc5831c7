namespace AspireMesh.Proxy.Control;

/// <summary>When an SVID is renewed: between 45 % and 55 % of its life, chosen at random so that a mesh that started together does not renew together.</summary>
internal static class RenewalSchedule
{
    /// <summary>The time of the next renewal.</summary>
    public static DateTimeOffset Next(DateTimeOffset notBefore, DateTimeOffset notAfter, Random random)
    {
        var share = 0.45 + (random.NextDouble() * 0.1);
        return notBefore + ((notAfter - notBefore) * share);
    }
}
