using AspireMesh.Host.Running;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Model;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Discovery;

/// <summary>
/// What is known of the cluster, kept in force in the control plane: the chart's model, the pods that EndpointSlices name, and those whose sidecars have joined
/// (a pod joins before it is ready, and a workload that only calls others has no Service).
/// </summary>
internal sealed partial class ClusterView : IDisposable
{
    private readonly ClusterOptions _options;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly ITimer _forget;
    private readonly Dictionary<string, (string Workload, DateTimeOffset Until)> _joined = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _intercepts = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<MeshModel> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SortedDictionary<string, Pod> _listed = new(StringComparer.Ordinal);
    private MeshControlPlane? _mesh;
    private MeshModel? _pattern;
    private string? _text;
    private ServiceAddresses _addresses = ServiceAddresses.None;

    public ClusterView(ClusterOptions options, ILogger logger)
    {
        (_options, _logger) = (options, logger);
        _forget = options.TimeProvider.CreateTimer(_ => Forget(), null, options.PodMemory, options.PodMemory);
    }

    /// <summary>Completes with the first model that can be used.</summary>
    public Task<MeshModel> FirstModel => _first.Task;

    /// <summary>Completes with the first model in which connections are intercepted: only then is it of interest where Services are.</summary>
    public Task Intercepts => _intercepts.Task;

    /// <summary>Gives it the control plane that it keeps up to date.</summary>
    public void Attach(MeshControlPlane mesh)
    {
        lock (_gate)
        {
            _mesh = mesh;
            TryApply(() => mesh.ApplyModel(Expanded(_pattern!)));
            TellHealth();
        }
    }

    /// <summary>The ConfigMap with the model was read or changed; an unusable one leaves the one before in force.</summary>
    public void ModelChanged(IReadOnlyCollection<V1ConfigMap> maps)
    {
        var text = maps.FirstOrDefault(m => m.Metadata.Name == ClusterNames.Mesh)?.Data?.TryGetValue(ClusterNames.MeshKey, out var found) == true ? found : null;
        lock (_gate)
        {
            if (text is null)
            {
                LogNoModel(_logger, ClusterNames.Mesh, ClusterNames.MeshKey);
                return;
            }
            if (text == _text) return;
            _text = text;
            TryApply(() =>
            {
                var pattern = ClusterModel.Pattern(MeshDocument.ReadModel(text, $"ConfigMap {ClusterNames.Mesh}"), _options);
                _mesh?.ApplyModel(ClusterModel.Expand(pattern, pattern, Pods(), _addresses));
                _pattern = pattern;
                if (pattern.Workloads.Any(w => w.Intercept is not null)) _intercepts.TrySetResult();
                _first.TrySetResult(pattern);
            });
        }
    }

    /// <summary>The EndpointSlices were read or changed.</summary>
    public void SlicesChanged(IReadOnlyCollection<V1EndpointSlice> slices)
    {
        lock (_gate)
        {
            var pods = Pod.Of(slices);
            if (pods.Values.SequenceEqual(_listed.Values)) return;
            _listed = pods;
            Refresh();
        }
    }

    /// <summary>The Services were read or changed.</summary>
    public void ServicesChanged(IReadOnlyCollection<V1Service> services)
    {
        lock (_gate)
        {
            _addresses = ServiceAddresses.Of(services);
            Refresh();
        }
    }

    /// <summary>A pod's sidecar joined or came back; false when its workload is not in the mesh.</summary>
    public bool Admit(string workload, string pod)
    {
        lock (_gate)
        {
            if (_pattern?.Workloads.Any(w => w.Name == workload) != true) return false;
            var isNew = !_listed.ContainsKey(pod) && !_joined.ContainsKey(pod);
            _joined[pod] = (workload, _options.TimeProvider.GetUtcNow() + _options.PodMemory);
            if (isNew) Refresh();
            return true;
        }
    }

    public void Dispose() => _forget.Dispose();

    private void Refresh()
    {
        if (_mesh is not { } mesh || _pattern is not { } pattern) return;
        TryApply(() => mesh.ChangeModel(current => ClusterModel.Expand(current, pattern, Pods(), _addresses)));
        TellHealth();
    }

    private MeshModel Expanded(MeshModel pattern) => ClusterModel.Expand(pattern, pattern, Pods(), _addresses);

    private IEnumerable<Pod> Pods() => _listed.Values
        .Concat(_joined.Where(j => !_listed.ContainsKey(j.Key)).Select(j => new Pod(j.Value.Workload, j.Key, "", true, null)))
        .OrderBy(p => p.Name, StringComparer.Ordinal);

    private void TellHealth()
    {
        // A pod on its way out is no destination any more and nobody's worry.
        foreach (var pod in _listed.Values) _mesh?.SetAppHealth(pod.Name, pod.Ready || pod.Address.Length == 0);
    }

    private void Forget()
    {
        lock (_gate)
        {
            var now = _options.TimeProvider.GetUtcNow();
            var gone = _joined.Where(j => j.Value.Until < now && _mesh?.IsConnected(j.Key) != true).Select(j => j.Key).ToArray();
            foreach (var pod in gone) _joined.Remove(pod);
            if (gone.Any(pod => !_listed.ContainsKey(pod))) Refresh();
        }
    }

    private void TryApply(Action apply)
    {
        try
        {
            apply();
        }
        catch (MeshValidationException e)
        {
            foreach (var problem in e.Problems) LogRefused(_logger, problem.ToString());
        }
    }

    [LoggerMessage(50, LogLevel.Warning, "There is no ConfigMap '{Name}' with the key '{Key}'. Install the chart; it is waited for.")]
    private static partial void LogNoModel(ILogger logger, string name, string key);

    [LoggerMessage(51, LogLevel.Error, "The mesh model was not put in force, the one before stays: {Problem}")]
    private static partial void LogRefused(ILogger logger, string problem);
}
