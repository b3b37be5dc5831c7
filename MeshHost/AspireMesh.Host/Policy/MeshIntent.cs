using System.Collections.Immutable;
using System.Net;
using AspireMesh.Host.Policy.Rules;
using AspireMesh.Host.Registry;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;

namespace AspireMesh.Host.Policy;

/// <summary>
/// What is wanted of the mesh and known about its apps. A change is checked as a whole before anything of it is in force, and recompiles only the
/// sidecars it can concern. What is said about apps before a model has them is kept for it.
/// </summary>
internal sealed class MeshIntent : IDisposable
{
    // A timer takes no more than 49 days; looking once too often does no harm.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(40);

    private readonly SidecarRegistry _registry;
    private readonly ControlPlaneOptions _options;
    private readonly Func<ImmutableArray<string>> _bundle;
    private readonly ModelStore? _store;
    private readonly StoredModel? _kept;
    private readonly ITimer _expiry;
    private readonly Lock _gate = new();
    private ImmutableDictionary<(string Instance, string Endpoint), string> _addresses = ImmutableDictionary<(string, string), string>.Empty;
    private ImmutableDictionary<string, ImmutableArray<string>> _callers = ImmutableDictionary<string, ImmutableArray<string>>.Empty;
    private ImmutableHashSet<string> _unhealthy = [];
    private ImmutableHashSet<string> _running = [];
    private ImmutableArray<FaultRule> _added = [];

    public MeshIntent(SidecarRegistry registry, ControlPlaneOptions options, Func<ImmutableArray<string>> bundle)
    {
        (_registry, _options, _bundle) = (registry, options, bundle);
        if (options is { KeepModel: true, StateDirectory: { } directory })
        {
            // Addresses are taken up even where a model is given anew: a snapshot without them would cut off apps that run.
            _store = new ModelStore(directory);
            _kept = _store.Load();
            if (_kept is not null)
            {
                _addresses = _kept.Addresses.ToImmutableDictionary(a => (a.Instance, a.Endpoint), a => a.Address);
                _callers = _kept.Callers.ToImmutableDictionary(c => c.Instance, c => c.Addresses);
            }
        }
        _expiry = options.TimeProvider.CreateTimer(_ => DropExpired(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ImmutableArray<FaultRule> Faults => _registry.Input?.Faults ?? [];

    /// <summary>Whether a process before this one kept a model: its sidecars may be on their way back.</summary>
    public bool HasKept => _kept is not null;

    /// <summary>Takes up the model that the process before this one kept, unless there is one already.</summary>
    public void TakeUpKept()
    {
        if (_registry.Input is null && _kept is not null) Apply(_ => _kept.Model);
    }

    /// <summary>Puts a model in force.</summary>
    public void Apply(Func<MeshModel?, MeshModel> change)
    {
        lock (_gate)
        {
            var model = change(_registry.Input?.Index.Model);
            var problems = new ProblemList();
            CheckSameMesh(model, problems);
            foreach (var problem in ModelChecks.Run(model)) problems.Add(problem);
            problems.ThrowIfAny();
            // A fault about something that the new model does not have any more could never fire.
            if (!model.ChaosEnabled) _added = [];
            var index = new ModelIndex(model);
            _registry.Update(_ => new CompileInput { Index = index, AppAddresses = _addresses, CallerAddresses = _callers, Unhealthy = _unhealthy, Running = _running, TrustBundle = _bundle(), Faults = InForce(model) });
            Keep();
        }
    }

    public void SetAppAddress(string workload, string instance, string endpoint, string? address)
    {
        if (address is not null && (!HostPort.TryParse(address, out var parsed) || parsed.Port == 0))
        {
            throw new MeshValidationException([MeshDiagnostics.BadAddress.Found($"Workload '{workload}', endpoint '{endpoint}': the app's address '{address}' cannot be used. Write host:port, for example 127.0.0.1:8080.")]);
        }
        lock (_gate)
        {
            _addresses = address is null ? _addresses.Remove((instance, endpoint)) : _addresses.SetItem((instance, endpoint), address);
            // Callers know it too: to recognize a redirect that would lead out of the mesh, and to go there where there is no mTLS.
            _registry.Update(input => input is null ? null : input with { AppAddresses = _addresses }, index => index.AffectedBy(workload));
            Keep();
        }
    }

    public void SetCallerAddresses(string instance, ImmutableArray<string> addresses)
    {
        if (addresses.FirstOrDefault(a => !IPAddress.TryParse(a, out _)) is { } bad)
        {
            throw new MeshValidationException([MeshDiagnostics.BadAddress.Found($"Sidecar '{instance}': the app's address '{bad}' cannot be used. Write an IP address, for example 172.17.0.2.")]);
        }
        lock (_gate)
        {
            _callers = addresses.IsEmpty ? _callers.Remove(instance) : _callers.SetItem(instance, addresses);
            _registry.Update(input => input is null ? null : input with { CallerAddresses = _callers }, _ => [instance]);
            Keep();
        }
    }

    public void SetAppHealth(string instance, bool healthy, bool running)
    {
        lock (_gate)
        {
            var unhealthy = healthy ? _unhealthy.Remove(instance) : _unhealthy.Add(instance);
            var ailing = running && !healthy ? _running.Add(instance) : _running.Remove(instance);
            if (ReferenceEquals(unhealthy, _unhealthy) && ReferenceEquals(ailing, _running)) return;
            (_unhealthy, _running) = (unhealthy, ailing);
            _registry.Update(input => input is null ? null : input with { Unhealthy = _unhealthy, Running = _running },
                index => index.TryGetSidecar(instance, out var workload, out _) ? index.AffectedBy(workload.Name) : []);
        }
        // The sidecar's own snapshot does not change with its app's health, but its status does.
        _registry.With(instance, _ => true);
    }

    public void AddFault(FaultRule fault)
    {
        lock (_gate)
        {
            var model = _registry.Input?.Index.Model;
            var problems = new ProblemList();
            if (model is null) problems.Add(MeshDiagnostics.BadFault, $"Fault '{fault.Id}': the mesh has no model yet. Type: aspiremesh check --wait 30");
            else FaultsRule.Check(model, [fault], problems);
            if (fault.ExpiresAt <= _options.TimeProvider.GetUtcNow()) problems.Add(MeshDiagnostics.BadFault, $"Fault '{fault.Id}': its time was over at {fault.ExpiresAt:u}. Give it a longer one with --ttl 60s.");
            problems.ThrowIfAny();
            SetFaults([.. _added.Where(f => f.Id != fault.Id), fault]);
        }
    }

    public void RemoveFault(string id)
    {
        lock (_gate)
        {
            if (Faults.All(f => f.Id != id)) throw new MeshValidationException([MeshDiagnostics.UnknownFault.Found($"There is no fault '{id}'. See what is in force with: aspiremesh faults list")]);
            DropFaults(f => f.Id == id);
        }
    }

    /// <summary>Takes out what a session put in, if anything is left of it.</summary>
    public void RemoveFaultsOf(string owner)
    {
        lock (_gate)
        {
            if (Faults.Any(f => f.Owner == owner)) DropFaults(f => f.Owner == owner);
        }
    }

    public void ClearFaults()
    {
        lock (_gate) DropFaults(_ => true);
    }

    public void Dispose() => _expiry.Dispose();

    // Those of the model leave it as well, or the next change would bring them back.
    private void DropFaults(Predicate<FaultRule> drop)
    {
        _added = _added.RemoveAll(drop);
        if (_registry.Input?.Index.Model is not { } model) return;
        if (model.Faults.Any(f => drop(f))) Apply(_ => model with { Faults = model.Faults.RemoveAll(drop) });
        else SetFaults(_added);
    }

    private void SetFaults(ImmutableArray<FaultRule> added)
    {
        _added = added;
        _registry.Update(input => input is null ? null : input with { Faults = InForce(input.Index.Model) });
    }

    // Added ones win over the model's of the same id. The next end of a fault's life is when this is looked at again.
    private ImmutableArray<FaultRule> InForce(MeshModel model)
    {
        var now = _options.TimeProvider.GetUtcNow();
        var faults = _added.Concat(model.Faults.Where(f => _added.All(a => a.Id != f.Id))).Where(f => f.ExpiresAt is null || f.ExpiresAt > now).ToImmutableArray();
        var next = faults.Min(f => f.ExpiresAt);
        _expiry.Change(next is null ? Timeout.InfiniteTimeSpan : next.Value - now < LongestWait ? next.Value - now : LongestWait, Timeout.InfiniteTimeSpan);
        return faults;
    }

    private void DropExpired()
    {
        var now = _options.TimeProvider.GetUtcNow();
        lock (_gate) SetFaults(_added.RemoveAll(f => f.ExpiresAt <= now));
    }

    private void CheckSameMesh(MeshModel model, ProblemList problems)
    {
        if (model.TrustDomain != _options.TrustDomain)
        {
            problems.Add(MeshDiagnostics.BadTrustDomain, $"Mesh '{model.Name}' has the trust domain '{model.TrustDomain}', but its control plane was started for '{_options.TrustDomain}'. Start it anew for the other one.");
        }
        if (model.Namespace != _options.Namespace)
        {
            problems.Add(MeshDiagnostics.BadTrustDomain, $"Mesh '{model.Name}' has the namespace '{model.Namespace}', but its control plane was started for '{_options.Namespace}'. Start it anew for the other one.");
        }
    }

    private void Keep()
    {
        if (_store is null || _registry.Input?.Index.Model is not { } model) return;
        _store.Save(new StoredModel(model, [.. _addresses.Select(a => new StoredAddress(a.Key.Instance, a.Key.Endpoint, a.Value)).OrderBy(a => a.Instance, StringComparer.Ordinal).ThenBy(a => a.Endpoint, StringComparer.Ordinal)])
        {
            Callers = [.. _callers.Select(c => new StoredCaller(c.Key, c.Value)).OrderBy(c => c.Instance, StringComparer.Ordinal)],
        });
    }
}
