using AspireMesh.Protocol.Admin;

namespace AspireMesh.Chaos.Running;

/// <summary>What edges carried during a phase. Sidecars report once a second, so the figures of a moment are there a little later.</summary>
internal sealed class EdgeFigures(IFaultController controller, TimeProvider time)
{
    private static readonly TimeSpan ReportsAreIn = TimeSpan.FromSeconds(2);
    private IReadOnlyList<EdgeStatus> _before = [];

    /// <summary>Begins a phase.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken) => _before = await ReadAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>What was carried since <see cref="BeginAsync"/>.</summary>
    public async Task<IReadOnlyList<EdgeStatus>> EndAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(ReportsAreIn, time, cancellationToken).ConfigureAwait(false);
        return await SoFarAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What has been reported since <see cref="BeginAsync"/>.</summary>
    public async Task<IReadOnlyList<EdgeStatus>> SoFarAsync(CancellationToken cancellationToken) =>
        [.. (await ReadAsync(cancellationToken).ConfigureAwait(false)).Select(Since)];

    private EdgeStatus Since(EdgeStatus now)
    {
        var then = _before.FirstOrDefault(e => (e.From, e.To, e.Endpoint) == (now.From, now.To, now.Endpoint));
        // A sidecar that was started again counts from nothing.
        return then is null || now.Requests < then.Requests ? now : now with { Requests = now.Requests - then.Requests, Failures = Math.Max(0, now.Failures - then.Failures) };
    }

    private async Task<IReadOnlyList<EdgeStatus>> ReadAsync(CancellationToken cancellationToken) => (await controller.StatusAsync(cancellationToken).ConfigureAwait(false)).Edges;
}
