using AspireMesh.Host.Admin;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Tests.Admin;

public class UpgradeDeskTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_wish_is_taken_once_and_answered_to_who_asked()
    {
        var desk = new UpgradeDesk(_time);
        var asking = new[] { desk.AskAsync("api", CancellationToken.None), desk.AskAsync("web", CancellationToken.None) };
        var taken = new[] { await desk.NextAsync(CancellationToken.None), await desk.NextAsync(CancellationToken.None) };

        desk.Answer(taken[1].Id, new UpgradeOutcome { Problem = "it is busy" });
        desk.Answer(taken[0].Id, new UpgradeOutcome { Restarted = true });
        desk.Answer(99, new UpgradeOutcome());

        Assert.Equal(["api", "web"], taken.Select(t => t.Instance));
        Assert.Equal([new UpgradeOutcome { Restarted = true }, new UpgradeOutcome { Problem = "it is busy" }], await Task.WhenAll(asking));
    }

    [Fact]
    public async Task Where_nobody_runs_sidecars_it_is_refused_and_not_carried_out_later()
    {
        var desk = new UpgradeDesk(_time);
        var asking = desk.AskAsync("api", CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(6));

        var refusal = await Assert.ThrowsAsync<MeshValidationException>(() => asking);
        var next = desk.AskAsync("web", CancellationToken.None);

        Assert.Equal("MESH0409", Assert.Single(refusal.Problems).Id);
        Assert.Equal("web", (await desk.NextAsync(CancellationToken.None)).Instance);
        Assert.False(next.IsCompleted);
    }
}
