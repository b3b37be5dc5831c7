using AspireMesh.Protocol.Faults;
using AspireMesh.TestKit;
using Make = AspireMesh.Chaos.Faults;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>What Npgsql and StackExchange.Redis see of every kind in <see cref="FaultKinds"/> on the way to their servers, and that each is left alone where the other is meant. A kind without a row fails.</summary>
public sealed class DataClientFaultTests(DataServers servers) : IClassFixture<DataServers>
{
    private const string Works = "works", Broken = "broken", Late = "late";

    /// <summary>A kind that is about requests has nothing to act on here: it takes no ordinal.</summary>
    private const string Untouched = "untouched";

    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);

    private static readonly Dictionary<string, (Fault Fault, string Seen)> s_rows = new()
    {
        [FaultKinds.Abort] = (Make.Abort(), Broken),
        [FaultKinds.Delay] = (Make.Delay(s_long), Late),
        [FaultKinds.RateLimit] = (Make.RateLimited(s_long), Untouched),
        [FaultKinds.Throttle] = (Make.Throttle(1), Late),
        [FaultKinds.Truncate] = (Make.Truncate(4), Broken),
        [FaultKinds.Corrupt] = (Make.Corrupt(), Broken),
        [FaultKinds.Duplicate] = (Make.Duplicate(), Untouched),
        [FaultKinds.ReplaceBody] = (Make.ReplaceBody("x"), Untouched),
        [FaultKinds.PatchBody] = (Make.PatchBody("{}"), Untouched),
        [FaultKinds.StaleCache] = (Make.StaleCache(), Untouched),
        [FaultKinds.KeyCollision] = (Make.KeyCollision(), Untouched),
        [FaultKinds.Replay] = (Make.Replay(), Untouched),
        [FaultKinds.DropResponse] = (Make.DropResponse(), Untouched),
        [FaultKinds.Header] = (Make.SetHeader("x-a", "b"), Untouched),
        [FaultKinds.LoseTrailers] = (Make.LoseTrailers(), Untouched),
        [FaultKinds.RotateNow] = (Make.RotateNow(), Works),
        [FaultKinds.Reset] = (Make.Reset(), Broken),
        [FaultKinds.Refuse] = (Make.Refuse(), Broken),
        [FaultKinds.BlackHole] = (Make.BlackHole(), Late),
        [FaultKinds.Hang] = (Make.Hang(), Late),
        [FaultKinds.HalfClose] = (Make.HalfClose(4), Broken),
        [FaultKinds.SlowClose] = (Make.SlowClose(TimeSpan.FromMilliseconds(20)), Works),
        [FaultKinds.Slicer] = (Make.Slicer(1), Works),
        [FaultKinds.ByteLimit] = (Make.ByteLimit(4), Broken),
        [FaultKinds.Bandwidth] = (Make.Bandwidth(1), Late),
        [FaultKinds.Drain] = (Make.Drain(), Works),
        [FaultKinds.StreamStall] = (Make.StreamStall(1), Untouched),
        [FaultKinds.StreamClose] = (Make.StreamClose(1), Untouched),
        [FaultKinds.StreamDrop] = (Make.StreamDrop(1), Untouched),
        [FaultKinds.StreamDuplicate] = (Make.StreamDuplicate(1), Untouched),
        [FaultKinds.StreamReorder] = (Make.StreamReorder(1), Untouched),
        [FaultKinds.NoDestinations] = (Make.NoDestinations(), Broken),
        [FaultKinds.StaleDestinations] = (Make.StaleDestinations(), Broken),
        [FaultKinds.Flapping] = (Make.Flapping(s_long), Broken),
        [FaultKinds.ExpiredCertificate] = (Make.ExpiredCertificate(), Broken),
        [FaultKinds.FutureCertificate] = (Make.FutureCertificate(), Broken),
        [FaultKinds.WrongTrustDomain] = (Make.WrongTrustDomain(), Broken),
        [FaultKinds.TwoSans] = (Make.TwoSans(), Broken),
        [FaultKinds.NoCertificate] = (Make.NoCertificate(), Broken),
        [FaultKinds.Downgrade] = (Make.Downgrade(), Broken),
        [FaultKinds.ClockSkew] = (Make.ClockSkew(TimeSpan.FromDays(3)), Broken),
        [FaultKinds.ControlDisconnect] = (Make.ControlDisconnect(), Untouched),
        [FaultKinds.ControlSlow] = (Make.ControlSlow(TimeSpan.FromSeconds(1)), Untouched),
        [FaultKinds.ControlRefuse] = (Make.ControlRefuse(), Untouched),
    };

    public static TheoryData<string, string> Seen { get; } = new(from kind in FaultKinds.All from endpoint in new[] { DataServers.Postgres, DataServers.Redis } select (kind, endpoint));

    [Theory]
    [MemberData(nameof(Seen))]
    public async Task A_client_sees_it_and_the_other_does_not(string kind, string endpoint)
    {
        Assert.True(s_rows.TryGetValue(kind, out var row), $"the kind '{kind}' has no row here");
        Assert.SkipWhen(endpoint == DataServers.Postgres && InstalledPostgres.Missing is not null, InstalledPostgres.Missing ?? "");
        var ofWorkloads = FaultKinds.OnTls.Contains(kind) || FaultKinds.OnControl.Contains(kind);
        var rule = FaultPair.Rule(row.Fault) with { Endpoint = ofWorkloads ? null : endpoint, ExpiresAt = DateTimeOffset.UtcNow + s_long };

        var fires = await servers.ApplyAsync(rule);
        // Only those that nothing but its own limit ends are given little time.
        var seen = await servers.AskAsync(endpoint, row.Seen == Late ? 1 : 30);
        // A client that failed may go on trying behind the test's back: its later fires are nobody's here.
        var fired = fires();
        if (!ofWorkloads && (endpoint == DataServers.Postgres || InstalledPostgres.Missing is null))
            Assert.Equal(Works, await servers.AskAsync(endpoint == DataServers.Postgres ? DataServers.Redis : DataServers.Postgres, 30));
        await servers.ApplyAsync(null);

        Assert.Equal(row.Seen switch { Untouched => Works, Late when endpoint == DataServers.Redis => Broken, var same => same }, seen);
        Assert.Equal(row.Seen == Untouched, fired == 0);
        Assert.Equal(Works, await servers.AskAsync(endpoint, 30));
    }
}
