using AspireMesh.Protocol.Control;
using AspireMesh.Proxy.Control;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Control;

public sealed class RenewalTests
{
    [Fact]
    public void Renewal_falls_between_45_and_55_percent_of_the_life()
    {
        var random = new Random(3);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var seen = Enumerable.Range(0, 1000).Select(_ => (RenewalSchedule.Next(start, start.AddHours(100), random) - start).TotalHours).ToList();
        Assert.All(seen, hours => Assert.InRange(hours, 45, 55));
        Assert.True(seen.Max() - seen.Min() > 9, "the renewals of a mesh that started together are spread");
    }

    [Fact]
    public async Task The_svid_is_renewed_at_half_its_life_with_the_old_one_as_proof()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var fixture = await ClientFixture.StartAsync(time: time);
        fixture.Plane.Now = time.GetUtcNow;
        await fixture.JoinAndRunAsync();
        var first = fixture.Client.Current!;
        time.Advance(TimeSpan.FromMinutes(20));
        Assert.Empty(fixture.Plane.Renewals);
        await AdvanceUntilAsync(time, () => fixture.Client.Current != first);
        Assert.Equal(first.Leaf.Thumbprint, fixture.Plane.Renewals.First());
        Assert.NotEqual(first.Leaf.GetPublicKeyString(), fixture.Client.Current!.Leaf.GetPublicKeyString());
        Assert.InRange(time.GetUtcNow() - first.Leaf.NotBefore, TimeSpan.FromMinutes(26), TimeSpan.FromMinutes(45));
    }

    [Fact]
    public async Task The_control_plane_can_ask_for_a_renewal_now()
    {
        await using var fixture = await ClientFixture.StartAsync();
        await fixture.JoinAndRunAsync();
        var first = fixture.Client.Current!;
        fixture.Plane.Send(new ControlMessage { RenewNow = new RenewNow() });
        await ClientFixture.UntilAsync(() => fixture.Client.Current != first);
    }

    [Fact]
    public async Task A_failed_renewal_is_tried_again_and_the_old_svid_stays()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var fixture = await ClientFixture.StartAsync(time: time);
        fixture.Plane.Now = time.GetUtcNow;
        var tries = 0;
        fixture.Plane.OnRenew = () => Interlocked.Increment(ref tries) < 3 ? throw new RpcException(new Status(StatusCode.Unavailable, "not now")) : TimeSpan.FromHours(1);
        await fixture.JoinAndRunAsync();
        var first = fixture.Client.Current!;
        await AdvanceUntilAsync(time, () => Volatile.Read(ref tries) >= 2);
        Assert.Same(first, fixture.Client.Current);
        await AdvanceUntilAsync(time, () => fixture.Client.Current != first);
        Assert.True(first.Expires > time.GetUtcNow(), "it was replaced before its end");
    }

    [Fact]
    public async Task An_expired_svid_is_said_with_what_to_type_when_no_token_can_be_had()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var fixture = await ClientFixture.StartAsync(time: time);
        fixture.Plane.Now = time.GetUtcNow;
        fixture.Plane.OnRenew = () => throw new RpcException(new Status(StatusCode.Unavailable, "not now"));
        await fixture.JoinAndRunAsync();
        await AdvanceUntilAsync(time, () => fixture.Client.State.Phase == ControlPhase.Expired);
        Assert.Contains("Start the sidecar's resource again", fixture.Client.State.Detail);
        Assert.Single(fixture.Plane.Joins);
    }

    [Fact]
    public async Task With_a_token_file_an_expired_svid_is_replaced_by_joining_again()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "from-file");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var fixture = await ClientFixture.StartAsync(plane => plane.Bootstrap(token: null, tokenFile: file), time);
        fixture.Plane.Now = time.GetUtcNow;
        fixture.Plane.OnRenew = () => throw new RpcException(new Status(StatusCode.Unavailable, "not now"));
        await fixture.JoinAndRunAsync();
        var first = fixture.Client.Current!;
        await AdvanceUntilAsync(time, () => fixture.Client.Current != first);
        Assert.Equal(2, fixture.Plane.Joins.Count);
        File.Delete(file);
    }

    // Calls over a real port take real time, so the clock is moved in small steps until what is waited for happened.
    private static async Task AdvanceUntilAsync(FakeTimeProvider time, Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!holds())
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(5, patience.Token);
        }
    }
}
