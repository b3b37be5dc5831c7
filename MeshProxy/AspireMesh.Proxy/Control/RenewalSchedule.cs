namespace AspireMesh.Proxy.Control;

/// <summary>
/// When an SVID is renewed: between 45 % and 55 % of the life it had left when it came, chosen at random so that a mesh that started together does not renew
/// together. Its beginning is of no use here: certificates are dated back, and a short-lived one would be due for renewal before it arrived.
/// </summary>
internal static class RenewalSchedule
{
    /// <summary>The time of the next renewal.</summary>
    public static DateTimeOffset Next(DateTimeOffset received, DateTimeOffset notAfter, Random random)
    {
        var share = 0.45 + (random.NextDouble() * 0.1);
        return received + ((notAfter - received) * share);
    }
}
