using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Tests;

/// <summary>However a test ends, its faults are out.</summary>
public class InjectedFaultTests
{
    private readonly Refusing _mesh = new();

    [Fact]
    public async Task A_removal_that_was_cancelled_is_done_again_when_the_fault_is_disposed()
    {
        await using var session = Session();
        var fault = await InjectAsync(session);
        _mesh.Refusals = 1;

        await Assert.ThrowsAsync<OperationCanceledException>(() => fault.RemoveAsync(TestContext.Current.CancellationToken));
        Assert.NotEmpty(_mesh.Inner.Faults);
        await fault.DisposeAsync();

        Assert.Empty(_mesh.Inner.Faults);
    }

    [Fact]
    public async Task A_session_takes_out_its_other_faults_where_one_cannot_be()
    {
        var session = Session();
        await InjectAsync(session);
        var second = await InjectAsync(session);
        _mesh.Refusals = 1;

        await Assert.ThrowsAsync<OperationCanceledException>(async () => await session.DisposeAsync());

        Assert.DoesNotContain(second.Rule.Id, _mesh.Inner.Faults.Keys);
    }

    [Fact]
    public async Task A_fault_and_its_session_can_be_disposed_twice()
    {
        var session = Session();
        var fault = (await InjectAsync(session)).Owning(session);

        await fault.DisposeAsync();
        await fault.DisposeAsync();
        await session.DisposeAsync();

        Assert.Empty(_mesh.Inner.Faults);
    }

    private ChaosSession Session() => new(_mesh, TimeProvider.System, "test");

    private static Task<InjectedFault> InjectAsync(ChaosSession session) =>
        session.InjectAsync(new ChaosEdge("a", "b"), Chaos.Faults.Abort(503), cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>A mesh that the next removals do not get through to.</summary>
    private sealed class Refusing : IFaultController
    {
        public FakeMesh Inner { get; } = new();

        public int Refusals { get; set; }

        public Task AddAsync(FaultRule rule, CancellationToken cancellationToken) => Inner.AddAsync(rule, cancellationToken);

        public Task RemoveAsync(string id, CancellationToken cancellationToken) => Refusals-- > 0 ? Task.FromException(new OperationCanceledException()) : Inner.RemoveAsync(id, cancellationToken);

        public Task SetLeaseAsync(FaultLease lease, CancellationToken cancellationToken) => Inner.SetLeaseAsync(lease, cancellationToken);

        public Task<FaultTally[]> TalliesAsync(CancellationToken cancellationToken) => Inner.TalliesAsync(cancellationToken);

        public Task<MeshStatus> StatusAsync(CancellationToken cancellationToken) => Inner.StatusAsync(cancellationToken);
    }
}
