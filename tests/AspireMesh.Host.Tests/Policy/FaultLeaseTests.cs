using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Policy;

public class FaultLeaseTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_lease_that_is_not_renewed_takes_its_faults_along_and_no_others()
    {
        await using var fixture = await StartAsync();
        fixture.Mesh.AddFault(Fault("a", "gone"));
        fixture.Mesh.AddFault(Fault("b", "there"));
        fixture.Mesh.AddFault(Fault("c", null));
        foreach (var owner in new[] { "gone", "there" }) fixture.Mesh.SetFaultLease(new FaultLease { Owner = owner, Seconds = 15 });

        _time.Advance(TimeSpan.FromSeconds(10));
        fixture.Mesh.SetFaultLease(new FaultLease { Owner = "there", Seconds = 15 });
        Assert.Equal(3, fixture.Mesh.Faults.Length);
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(["b", "c"], fixture.Mesh.Faults.Select(f => f.Id));
    }

    [Fact]
    public async Task A_lease_that_is_given_up_takes_its_faults_along_at_once()
    {
        await using var fixture = await StartAsync();
        fixture.Mesh.AddFault(Fault("a", "session"));
        fixture.Mesh.SetFaultLease(new FaultLease { Owner = "session", Seconds = 15 });

        fixture.Mesh.SetFaultLease(new FaultLease { Owner = "session", Seconds = 0 });

        Assert.Empty(fixture.Mesh.Faults);
    }

    [Fact]
    public async Task A_fault_may_last_longer_than_a_timer_can()
    {
        await using var fixture = await StartAsync();
        fixture.Mesh.AddFault(Fault("a", null) with { ExpiresAt = _time.GetUtcNow().AddDays(200) });
        fixture.Mesh.AddFault(Fault("b", null));
        for (var month = 0; month < 6; month++) _time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(["a", "b"], fixture.Mesh.Faults.Select(f => f.Id));

        _time.Advance(TimeSpan.FromDays(30));

        Assert.Equal(["b"], fixture.Mesh.Faults.Select(f => f.Id));
    }

    [Theory]
    [InlineData("", 5)]
    [InlineData("x", -1)]
    [InlineData("x", 601)]
    public async Task A_lease_that_cannot_be_is_refused(string owner, int seconds)
    {
        await using var fixture = await StartAsync();

        Assert.Throws<MeshValidationException>(() => fixture.Mesh.SetFaultLease(new FaultLease { Owner = owner, Seconds = seconds }));
    }

    private Task<ControlPlaneFixture> StartAsync() => ControlPlaneFixture.StartAsync(Meshes.Shop with { ChaosEnabled = true }, o => o with { TimeProvider = _time });

    private static FaultRule Fault(string id, string? owner) => new() { Id = id, To = "api", Owner = owner, Fault = new Fault { Kind = FaultKinds.Abort, Status = 503 } };
}
