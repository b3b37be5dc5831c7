using AspireMesh.Host.Registry;
using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Identity;

/// <summary>
/// Replaces the root without a refused handshake: first every sidecar trusts the new root beside the old one, then every sidecar gets an SVID that chains to
/// the new one, and only then is the old one dropped. Each step waits for every sidecar that ever joined. One that does not answer stops the rotation where
/// it is (both roots trusted, which harms nothing); the next call goes on from there.
/// </summary>
/// <param name="authority">The CA; null where identities come from elsewhere.</param>
/// <param name="registry">The sidecars.</param>
/// <param name="time">The clock.</param>
/// <param name="settling">How long after the start sidecars are waited for that have not come back.</param>
/// <param name="allKnown">Whether the model names every sidecar there can be: once all are here, there is nobody else to wait for.</param>
/// <param name="logger">Logs.</param>
internal sealed partial class RootRotation(CertificateAuthority? authority, SidecarRegistry registry, TimeProvider time, TimeSpan settling, bool allKnown, ILogger logger)
{
    /// <summary>How long a step waits before it names the sidecars that hold it up.</summary>
    public static readonly TimeSpan StepLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long a sidecar may take from getting its SVID to saying that it uses it; not every one says so at once.</summary>
    private static readonly TimeSpan UseLimit = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly long _began = time.GetTimestamp();

    /// <summary>What is waited for; null when none runs.</summary>
    public string? Step { get; private set; }

    /// <summary>Replaces the root of the mesh's own CA.</summary>
    /// <exception cref="MeshValidationException">The CA is not the mesh's own, or a step took too long; names the sidecars it waits for.</exception>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        if (authority is null) throw Stopped("identities come from a SPIFFE Workload API, whose server replaces its roots by itself. See them with: aspiremesh certs");
        if (authority.IsGiven)
        {
            throw Stopped("the CA is not the mesh's own, so its root is not ours to replace. Given as files: put the new CA's root into them beside the old one, start again, then take the old one out. A cluster's issuer: replace its root there; the mesh follows with the next certificate it gets");
        }
        return RunAsync(authority, null, cancellationToken);
    }

    /// <summary>Puts another given CA in force. Under the same root that is a change of who signs; under another one, a rotation.</summary>
    /// <exception cref="MeshValidationException">A step took too long; names the sidecars it waits for.</exception>
    public Task ReplaceAsync(GivenAuthority next, CancellationToken cancellationToken) => RunAsync(authority!, next, cancellationToken);

    private async Task RunAsync(CertificateAuthority authority, GivenAuthority? next, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (next is not null) authority.AddRoot(next);
            else if (authority.Roots.Length < 2) authority.AddRoot();
            if (next is not null && authority.Roots.Length == 1)
            {
                authority.IssueFromNewest();
                return;
            }
            await SettleAsync(cancellationToken);
            Distribute(authority);
            await StepAsync("every sidecar trusts the new root", s => s.IsSynchronized, cancellationToken);

            authority.IssueFromNewest();
            var root = Fingerprint.Of(authority.IssuingRoot);
            registry.RenewNow(null);
            await StepAsync("every sidecar has an SVID of the new root", s => s.SvidRoot == root, cancellationToken);
            await UsedAsync(cancellationToken);

            authority.DropOldRoots();
            Distribute(authority);
            await StepAsync("every sidecar has dropped the old root", s => s.IsSynchronized, cancellationToken);
            LogDone(logger, root);
        }
        finally
        {
            Step = null;
            _one.Release();
        }
    }

    // A control plane that has just begun does not know who joined before: one that is on its way back would find a root that it was never told of, and could not come in any more.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        var left = settling - time.GetElapsedTime(_began);
        if (left <= TimeSpan.Zero) return;
        Step = "waiting for sidecars to come back after the start";
        LogStep(logger, Step);
        using var over = new CancellationTokenSource(left, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        try
        {
            await registry.WaitAsync(sidecars => allKnown && sidecars.Values.All(s => s.Connection is not null), either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Who has not come by now was not there before either.
        }
    }

    private void Distribute(CertificateAuthority authority) => registry.Update(input => input is null ? null : input with { TrustBundle = authority.BundlePem });

    private async Task StepAsync(string what, Func<SidecarState, bool> done, CancellationToken cancellationToken)
    {
        Step = $"waiting until {what}";
        LogStep(logger, what);
        using var limit = new CancellationTokenSource(StepLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await registry.WaitAsync(sidecars => sidecars.Values.Where(s => s.Joined).All(done), either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var missing = registry.Read(sidecars => sidecars.Values.Where(s => s.Joined && !done(s)).Select(s => s.Instance).Order().ToArray());
            throw Stopped($"it waited {StepLimit.TotalSeconds:0} s until {what}; missing: {string.Join(", ", missing)}. Both roots stay trusted. Bring those back, then type: aspiremesh certs rotate");
        }
    }

    // A sidecar reports the SVID it uses. One that does not within a moment has it nevertheless: it was handed over in the answer to its own call.
    private async Task UsedAsync(CancellationToken cancellationToken)
    {
        Step = "waiting until every sidecar uses its new SVID";
        using var limit = new CancellationTokenSource(UseLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await registry.WaitAsync(sidecars => sidecars.Values.Where(s => s.Joined).All(UsesNewest), either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogStep(logger, "sidecars that did not report in time are taken to use their new SVIDs");
        }
    }

    // Not by its end alone: ends are told in whole seconds, and an SVID of the old root that was issued a moment before would pass for the new one.
    private static bool UsesNewest(SidecarState sidecar) => sidecar.SerialReported is { } serial
        ? serial == sidecar.SvidSerial
        : sidecar.SvidReported >= sidecar.SvidExpires?.AddSeconds(-1);

    private static MeshValidationException Stopped(string why) => new([MeshDiagnostics.RotationStopped.Found($"The root rotation stopped: {why}.")]);

    [LoggerMessage(30, LogLevel.Information, "Root rotation: {What}.")]
    private static partial void LogStep(ILogger logger, string what);

    [LoggerMessage(31, LogLevel.Information, "Root rotation finished; the root is {Root}.")]
    private static partial void LogDone(ILogger logger, string root);
}
