using System.Collections.Immutable;
using AspireMesh.Host.Distribution;
using AspireMesh.Host.Identity;
using AspireMesh.Host.Policy;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Control;

namespace AspireMesh.Host.Registry;

/// <summary>
/// Every sidecar of the model, what it should obey and what it said. A change of the input recompiles the sidecars it concerns and sends those whose
/// content really differs. One lock guards all of it: what happens under it is arithmetic, never input or output.
/// </summary>
internal sealed class SidecarRegistry(TimeProvider time, Func<string?> issuingRoot)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SidecarState> _sidecars = [];
    private CompileInput? _input;
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>A sidecar's state changed. Raised outside the lock.</summary>
    public event Action<string>? Changed;

    /// <summary>What snapshots are compiled from; null before the first model.</summary>
    public CompileInput? Input { get { lock (_gate) return _input; } }

    /// <summary>How many snapshots were handed to connections.</summary>
    public long Pushed { get; private set; }

    /// <summary>Puts a new input in force.</summary>
    /// <param name="change">Makes the new input from the old one (null before the first); null leaves everything as it is.</param>
    /// <param name="affected">The sidecars whose snapshots may differ; null for all.</param>
    public void Update(Func<CompileInput?, CompileInput?> change, Func<ModelIndex, IEnumerable<string>>? affected = null)
    {
        var touched = new List<string>();
        lock (_gate)
        {
            if (change(_input) is not { } next || ReferenceEquals(next, _input)) return;
            var newModel = !ReferenceEquals(next.Index, _input?.Index);
            _input = next;
            if (newModel) TakeUp(next.Index, touched);
            foreach (var instance in (affected is null ? next.Index.Instances : affected(next.Index)).ToArray())
            {
                if (Recompile(next, instance)) touched.Add(instance);
            }
        }
        Raise(touched);
    }

    /// <summary>A sidecar opened its stream. The connection before it is closed; the snapshot is sent unless it has it already.</summary>
    /// <returns>False when the model has no such sidecar of that workload.</returns>
    public bool Connect(string workload, Hello hello, ShownSvid shown, SidecarConnection connection)
    {
        lock (_gate)
        {
            if (!_sidecars.TryGetValue(hello.Instance, out var sidecar) || sidecar.Workload != workload || _input is null) return false;
            sidecar.Connection?.Close();
            sidecar.Connection = connection;
            sidecar.Joined = true;
            sidecar.ProxyVersion = hello.ProxyVersion;
            if (sidecar.Snapshot is null) Recompile(_input, hello.Instance);
            TakeUpVersion(sidecar, hello);
            // This control plane began anew and does not know what it issued before.
            sidecar.SvidExpires ??= shown.Expires;
            sidecar.SvidRoot ??= shown.Root;
            // It was away while another root began to issue.
            if (issuingRoot() is { } issuing && sidecar.SvidRoot != issuing) connection.SendRenewNow();
        }
        Raise([hello.Instance]);
        return true;
    }

    /// <summary>A stream ended.</summary>
    public void Disconnect(string instance, SidecarConnection connection) => With(instance, sidecar =>
    {
        if (!ReferenceEquals(sidecar.Connection, connection)) return false;
        sidecar.Connection = null;
        return true;
    });

    /// <summary>Changes one sidecar's state; a sidecar the model no longer has is passed over.</summary>
    /// <param name="instance">The sidecar.</param>
    /// <param name="change">The change; false when nothing changed after all.</param>
    public void With(string instance, Func<SidecarState, bool> change)
    {
        lock (_gate)
        {
            if (!_sidecars.TryGetValue(instance, out var sidecar) || !change(sidecar)) return;
        }
        Raise([instance]);
    }

    /// <summary>The sidecar that a certificate's common name stands for; the name itself where there is none.</summary>
    public string Named(string workload, string commonName)
    {
        lock (_gate)
        {
            if (commonName.Length < 64 || _sidecars.ContainsKey(commonName)) return commonName;
            return _sidecars.Values.FirstOrDefault(s => s.Workload == workload && CertificateFactory.CommonName(s.Instance) == commonName)?.Instance ?? commonName;
        }
    }

    /// <summary>Takes a sidecar's report in.</summary>
    public void Report(string instance, SidecarReport report) => With(instance, sidecar =>
    {
        foreach (var (caller, count) in report.PlaintextCallers)
        {
            // Totals since the sidecar started: only one that grew (or began anew) was seen just now.
            if (!sidecar.Plaintext.TryGetValue(caller, out var seen) || seen.Count != count) sidecar.Plaintext[caller] = (count, time.GetUtcNow());
        }
        if (!report.Faults.IsDefault) sidecar.Faults = report.Faults;
        sidecar.SvidReported = report.SvidExpires ?? sidecar.SvidReported;
        sidecar.SerialReported = report.SvidSerial ?? sidecar.SerialReported;
        foreach (var edge in report.Edges)
        {
            if (!sidecar.Edges.TryGetValue((edge.To, edge.Endpoint), out var totals)) sidecar.Edges[(edge.To, edge.Endpoint)] = totals = new EdgeTotals(time);
            totals.Add(edge);
        }
        return true;
    });

    /// <summary>Reads the state of all sidecars under the lock; the result must not keep references to it.</summary>
    public T Read<T>(Func<IReadOnlyDictionary<string, SidecarState>, T> read)
    {
        lock (_gate) return read(_sidecars);
    }

    /// <summary>Completes once a condition on the sidecars holds; looked at after every change.</summary>
    public async Task WaitAsync(Func<IReadOnlyDictionary<string, SidecarState>, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (condition(_sidecars)) return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Asks one sidecar, or all that are connected, for a new SVID.</summary>
    public void RenewNow(string? instance)
    {
        lock (_gate)
        {
            foreach (var sidecar in _sidecars.Values.Where(s => instance is null || s.Instance == instance)) sidecar.Connection?.SendRenewNow();
        }
    }

    /// <summary>Closes every stream.</summary>
    public void CloseAll()
    {
        lock (_gate)
        {
            foreach (var sidecar in _sidecars.Values) sidecar.Connection?.Close();
        }
    }

    private void TakeUp(ModelIndex index, List<string> touched)
    {
        foreach (var gone in _sidecars.Keys.Except(index.Instances).ToArray())
        {
            _sidecars[gone].Connection?.Close();
            _sidecars.Remove(gone);
            touched.Add(gone);
        }
        foreach (var instance in index.Instances)
        {
            index.TryGetSidecar(instance, out var workload, out _);
            if (_sidecars.TryGetValue(instance, out var there) && there.Workload == workload.Name) continue;
            there?.Connection?.Close();
            _sidecars[instance] = new SidecarState(instance, workload.Name);
        }
    }

    private bool Recompile(CompileInput input, string instance)
    {
        if (!_sidecars.TryGetValue(instance, out var sidecar) || SnapshotCompiler.Compile(input, instance) is not { } content) return false;
        var compiled = new CompiledSnapshot(content);
        if (sidecar.Snapshot is { } before && before.HasSameContent(compiled)) return false;
        sidecar.Snapshot = compiled.WithVersion((sidecar.Snapshot?.Version ?? 0) + 1);
        Push(sidecar);
        return true;
    }

    // A sidecar that outlived its control plane comes with the version it obeys. Where the content is the same nothing is sent and its version is taken up;
    // otherwise it gets a higher one, so that versions rise from its point of view too.
    private void TakeUpVersion(SidecarState sidecar, Hello hello)
    {
        var snapshot = sidecar.Snapshot!;
        sidecar.AcknowledgedVersion = 0;
        if (hello.SnapshotVersion > 0)
        {
            var same = snapshot.Version == hello.SnapshotVersion ? snapshot : snapshot.WithVersion(hello.SnapshotVersion);
            if (same.Update.Hash == hello.SnapshotHash)
            {
                sidecar.Snapshot = same;
                sidecar.AcknowledgedVersion = same.Version;
                return;
            }
            if (hello.SnapshotVersion >= snapshot.Version) sidecar.Snapshot = snapshot.WithVersion(hello.SnapshotVersion + 1);
        }
        Push(sidecar);
    }

    private void Push(SidecarState sidecar)
    {
        if (sidecar.Connection is null) return;
        sidecar.Connection.Send(sidecar.Snapshot!);
        Pushed++;
    }

    private void Raise(List<string> instances)
    {
        if (instances.Count == 0) return;
        TaskCompletionSource before;
        lock (_gate) (before, _changed) = (_changed, NewSignal());
        before.SetResult();
        foreach (var instance in instances) Changed?.Invoke(instance);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
