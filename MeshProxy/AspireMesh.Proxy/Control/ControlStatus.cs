using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Control;

/// <summary>Keeps the <see cref="ControlState"/> for health, metrics and the log; logs a change once, not every try.</summary>
internal sealed class ControlStatus(TimeProvider time, ILogger logger)
{
    private volatile ControlState _current = new(ControlPhase.Joining, time.GetUtcNow(), "");

    /// <summary>The state now.</summary>
    public ControlState Current => _current;

    /// <summary>Enters a phase; staying in it only renews the detail.</summary>
    public void Enter(ControlPhase phase, string detail = "")
    {
        var before = _current;
        var same = before.Phase == phase;
        _current = new ControlState(phase, same ? before.Since : time.GetUtcNow(), detail);
        if (detail.Length > 0 && (!same || before.Detail.Length == 0)) logger.Troubled(detail);
    }
}
