using System.Collections.Concurrent;
using System.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Makes the spans of one sidecar, named and attributed by semantic conventions for HTTP.</summary>
internal sealed class MeshSpans(string scope, string workload) : IDisposable
{
    private readonly ConcurrentDictionary<(string, string), string> _names = new();
    private readonly ActivitySource _source = new(scope, Control.ProxyVersion.Text);

    /// <summary>Whether anyone wants spans; nothing is read or made otherwise.</summary>
    public bool IsOn => _source.HasListeners();

    /// <summary>The span of a request that came from others.</summary>
    public Activity? StartServer(in RequestStart start, ActivityContext parent)
    {
        var span = Start(start.Method, ActivityKind.Server, parent);
        if (span is null) return null;
        Describe(span, start);
        if (start.Caller is { } caller) span.SetTag(MeshNames.Peer, caller);
        return span;
    }

    /// <summary>The span of one attempt.</summary>
    public Activity? StartClient(in RequestStart start, ClusterSnapshot cluster, DestinationSnapshot destination, int number, ActivityContext parent)
    {
        if (!IsOn) return null;
        var span = Start(RequestTags.Method(start.Method), ActivityKind.Client, parent);
        if (span is not { IsAllDataRequested: true }) return span;
        span.DisplayName = NameOf(RequestTags.Method(start.Method), cluster.Name);
        Describe(span, start);
        span.SetTag(MeshNames.Source, workload);
        span.SetTag(MeshNames.ServerAddress, cluster.Workload);
        span.SetTag(MeshNames.Instance, destination.Name);
        span.SetTag(MeshNames.PeerAddress, destination.Address);
        if (number > 1) span.SetTag(MeshNames.Resend, number - 1);
        return span;
    }

    /// <summary>Marks a span with a fault that hit it: an attribute to search by, and an event with the moment.</summary>
    public static void Mark(Activity span, FaultRule rule)
    {
        span.SetTag(MeshNames.Fault, span.GetTagItem(MeshNames.Fault) is string before ? $"{before},{rule.Id}" : rule.Id);
        span.AddEvent(new ActivityEvent(MeshNames.Fault, tags: new ActivityTagsCollection { [MeshNames.Fault] = rule.Id, [MeshNames.FaultKind] = rule.Fault.Kind }));
    }

    /// <summary>Notes what a policy decided.</summary>
    public static void Mark(Activity span, in PolicyDecision decision) =>
        span.AddEvent(new ActivityEvent(decision.Name, tags: new ActivityTagsCollection { [MeshNames.Reason] = decision.Reason }));

    /// <summary>A span, ended at once, for decisions that no attempt carries.</summary>
    public void Tell(in RequestStart start, in RequestEnd end, IReadOnlyList<PolicyDecision> decisions, ActivityContext parent, TimeSpan duration)
    {
        var span = Start(RequestTags.Method(start.Method), ActivityKind.Internal, parent);
        if (span is null) return;
        if (span.IsAllDataRequested)
        {
            span.SetStartTime(span.StartTimeUtc - duration);
            span.DisplayName = NameOf(RequestTags.Method(start.Method), start.Workload);
            Describe(span, start);
            span.SetTag(MeshNames.Source, workload);
            if (end.Route is { } route) span.SetTag(MeshNames.Route, route);
            if (end.Flags is { } flags) span.SetTag(MeshNames.Flags, flags);
            if (end.Status > 0) span.SetTag(MeshNames.StatusCode, end.Status);
            foreach (var decision in decisions) Mark(span, decision);
        }
        End(span, failed: end.Status is 0 or >= 400, end.Status, end.Error);
    }

    /// <summary>Ends the span of an attempt.</summary>
    public static void EndClient(Activity span, in AttemptEnd end)
    {
        if (end.Status > 0) span.SetTag(MeshNames.StatusCode, end.Status);
        if (end.GrpcStatus is { } grpc) span.SetTag(MeshNames.GrpcStatus, grpc);
        // A client span's status is an error from 400 on, a server span's from 500 on (semantic conventions for HTTP spans, "Status").
        End(span, failed: end.Error is not null || end.Status >= 400, end.Status, end.Error);
    }

    /// <summary>Ends the span of a request.</summary>
    public static void EndServer(Activity span, in RequestEnd end)
    {
        if (end.Route is { } route)
        {
            span.DisplayName = $"{span.DisplayName} {route}";
            span.SetTag(MeshNames.Route, route);
        }
        if (end.Status > 0) span.SetTag(MeshNames.StatusCode, end.Status);
        if (end.GrpcStatus is { } grpc) span.SetTag(MeshNames.GrpcStatus, grpc);
        if (end.Flags is { } flags) span.SetTag(MeshNames.Flags, flags);
        if (end.Destination is { } destination) span.SetTag(MeshNames.Instance, destination);
        End(span, failed: end.Status is 0 or >= 500, end.Status, end.Error);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    // Requests of one connection run one after another in one flow of control, so a span must not stay current: the parent is always given.
    private Activity? Start(string name, ActivityKind kind, ActivityContext parent)
    {
        var before = Activity.Current;
        Activity.Current = null;
        var span = _source.StartActivity(name, kind, parent);
        Activity.Current = before;
        return span;
    }

    // Methods and clusters are few, so the names are kept.
    private string NameOf(string method, string cluster) =>
        _names.TryGetValue((method, cluster), out var name) ? name : _names.GetOrAdd((method, cluster), static key => $"{key.Item1} {key.Item2}");

    private static void End(Activity span, bool failed, int status, string? error)
    {
        if (failed)
        {
            span.SetStatus(ActivityStatusCode.Error, error);
            span.SetTag(MeshNames.ErrorType, status > 0 ? status.ToString(System.Globalization.CultureInfo.InvariantCulture) : "_OTHER");
        }
        var before = Activity.Current;
        span.Stop();
        Activity.Current = before;
        span.Dispose();
    }

    private static void Describe(Activity span, in RequestStart start)
    {
        span.SetTag(MeshNames.Method, RequestTags.Method(start.Method));
        span.SetTag(MeshNames.Scheme, "http");
        span.SetTag(MeshNames.Path, start.Path);
        span.SetTag(MeshNames.ProtocolVersion, RequestTags.Version(start.Protocol));
        span.SetTag(MeshNames.Destination, start.Workload);
        span.SetTag(MeshNames.Endpoint, start.Endpoint);
    }
}
