namespace AspireMesh.Proxy.Runtime;

/// <summary>The runtime in force. Read once per request or connection; replaced by one write.</summary>
internal sealed class RuntimeHolder
{
    private volatile SidecarRuntime? _current;
    private volatile TaskCompletionSource _replaced = NewSignal();

    /// <summary>The runtime in force.</summary>
    /// <exception cref="InvalidOperationException">No snapshot was applied yet; listeners open only after the first.</exception>
    public SidecarRuntime Current => _current ?? throw new InvalidOperationException("the sidecar has no snapshot yet");

    /// <summary>Likewise; null before the first snapshot.</summary>
    public SidecarRuntime? CurrentOrNull => _current;

    /// <summary>Completes when the runtime in force now is replaced. Take it before looking at <see cref="Current"/>.</summary>
    public Task Replaced => _replaced.Task;

    /// <summary>Puts another in force. One at a time.</summary>
    public void Replace(SidecarRuntime runtime)
    {
        var replaced = _replaced;
        _current = runtime;
        _replaced = NewSignal();
        replaced.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
