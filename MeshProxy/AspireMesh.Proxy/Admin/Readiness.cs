using AspireMesh.Proxy.Control;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Admin;

/// <summary>
/// Says whether the sidecar can do its work. A control plane that is away is no reason against it: the last snapshot and SVID stay in force, and the
/// lines say so.
/// </summary>
internal sealed class Readiness(SidecarState state, Func<ControlState>? control, TimeProvider time)
{
    /// <summary>Reasons against being ready; empty when it is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (state.Svid is not { } svid) problems.Add("no SVID yet");
        else if (svid.Expires <= time.GetUtcNow()) problems.Add($"the SVID ended at {svid.Expires:u}");
        if (state.Snapshot is null) problems.Add("no snapshot yet");
        else if (!state.IsReady) problems.Add("the listeners are not open yet");
        if (state.IsDraining) problems.Add("draining");
        problems.AddRange(state.ListenerProblems.Values.Order(StringComparer.Ordinal));
        return problems;
    }

    /// <summary>What is worth knowing besides, a line each.</summary>
    public IReadOnlyList<string> Notes()
    {
        var notes = new List<string>();
        if (state.Snapshot is { } snapshot) notes.Add($"snapshot {snapshot.Version}");
        if (state.Svid is { } svid) notes.Add($"{svid.Id}, until {svid.Expires:u}");
        if (control?.Invoke() is { Phase: not ControlPhase.Connected, Detail.Length: > 0 } troubled) notes.Add($"since {troubled.Since:u}: {troubled.Detail}");
        return notes;
    }
}
