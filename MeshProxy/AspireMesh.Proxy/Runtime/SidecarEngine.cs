using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Identity;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Egress;
using AspireMesh.Proxy.Faults.Handshakes;
using AspireMesh.Proxy.Handover;
using AspireMesh.Proxy.Http;
using AspireMesh.Proxy.Inbound;
using AspireMesh.Proxy.Interception;
using AspireMesh.Proxy.Opaque;
using AspireMesh.Proxy.Outbound.Admission;
using AspireMesh.Proxy.Passthrough;
using AspireMesh.Proxy.Sockets;
using AspireMesh.Proxy.Tls;
using AspireMesh.Proxy.Tunnel;
using AspireMesh.Proxy.Tunnel.Multiplexing;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Ties a sidecar's parts together and takes them through their life: start, run, drain, stop.</summary>
internal sealed class SidecarEngine : IAsyncDisposable, IHandover
{
    private static readonly TimeSpan DefaultDrainTime = TimeSpan.FromSeconds(5);

    private readonly SidecarParts _parts;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _logger;
    private CancellationTokenSource _leave = new();
    private readonly CancellationTokenSource _stopping = new();
    private IAsyncDisposable? _handover;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly OpenConnections _open;
    private readonly ListenerSet _listeners;
    private readonly TunnelDialer _dialer;
    private readonly IHttpPipeline _pipeline;
    private readonly HttpServer _http;
    private readonly HttpSockets _httpSockets;
    private readonly InboundConnections _inbound;
    private readonly SnapshotApplier _applier;
    private readonly SocketTurns? _turns;
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private Task _control = Task.CompletedTask;
    private ChaosCertificates? _certificates;
    private int _stopped;

    public SidecarEngine(SidecarBootstrap bootstrap, MeshSidecarOptions options, SidecarParts parts)
    {
        (_parts, _time) = (parts, options.TimeProvider);
        var loggers = parts.Loggers ?? options.LoggerFactory;
        _logger = loggers.CreateLogger("AspireMesh.Proxy.Handover");
        var trustDomain = TrustDomain.Parse(bootstrap.TrustDomain);
        var holder = new RuntimeHolder();
        State = new SidecarState(bootstrap, holder, parts.Svids);
        var bundle = new TrustBundle(parts.Svids);
        var handshake = new MeshHandshake(parts.Svids, new PeerValidator(trustDomain, bundle, _time), to => HandshakeChangeOf(holder, to), () => holder.CurrentOrNull?.Snapshot.AllowTls12 == true);
        _turns = options.OwnsProcess ? SocketTurns.TryStart() : null;
        var tunnel = new TunnelOptions { Time = _time, InlineReads = options.OwnsProcess, Turns = _turns };
        var pool = new TunnelPoolOptions { Tunnel = tunnel };
        _dialer = new TunnelDialer(new TunnelConnector(handshake, parts.Events, pool), new OutsideDialer(), parts.Svids, parts.Events, pool);
        _pipeline = parts.Pipeline(new PipelineServices(bootstrap, trustDomain, _dialer, parts.Events, _time, loggers, options.Seed, parts.Control is { } link ? link.RenewNow : null, Retire) { Stopping = _stopping.Token });
        var admin = parts.Admin?.Invoke(State);
        _http = new HttpServer(holder, _pipeline, admin is null ? null : new RequestDelegate(admin.HandleAsync), _services, loggers);
        _httpSockets = new HttpSockets(_http, holder, parts.Events, _time, options.OwnsProcess, loggers);
        _inbound = new InboundConnections(holder, handshake, new InboundStreams(holder, _http, parts.Events, _time), parts.Events, tunnel);
        _open = new OpenConnections(loggers.CreateLogger("AspireMesh.Proxy.Connections"));
        var opaque = new OpaqueOutbound(_dialer, parts.Events, _time);
        var egress = new EgressConnections(holder, _http, opaque, new EgressGate(parts.Events), parts.Events, _time);
        var router = new ConnectionRouter(holder, new CallerAddresses(holder, parts.Events, _time), _httpSockets, opaque, new TlsPassthrough(holder, opaque, parts.Events, _time), egress, _inbound, new InterceptedConnections(_open, parts.Events, _time), _open);
        _listeners = new ListenerSet(router.Take, State, _time, loggers.CreateLogger("AspireMesh.Proxy.Listeners"));
        _ = HostPort.TryParseListen(bootstrap.Admin, out var adminListen);
        _applier = new SnapshotApplier(State, holder, _pipeline, bundle, _listeners, parts.Events, admin is null ? null : adminListen);
        _applier.TrustChanged += Retire;
        _applier.FaultsChanged += Retire;
        parts.Svids.Changed += RetireInbound;
    }

    public SidecarState State { get; }

    public ISnapshotSink Snapshots => _applier;

    public Task Ready => _ready.Task;

    public Task HandedOver => _handedOver.Task;

    IReadOnlyList<Socket> IHandover.Ports => _listeners.Ports;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var predecessor = await Predecessor.FindAsync(State.Bootstrap.HandoverSocket);
            if (predecessor is not null) _listeners.Inherit(predecessor.Ports);
            await _http.StartAsync(cancellationToken);
            // The old process goes on saying how it is, until there is something to say here.
            if (predecessor is null) await _applier.OpenAdminAsync();
            // Without a control plane (a test) snapshots are handed in directly, after the start.
            if (_parts.Control is { } control)
            {
                await control.JoinAsync(cancellationToken);
                control.DrainAsked += OnDrainAsked;
                if (predecessor is not null) await predecessor.JoinedAsync();
                _control = control.RunAsync(_applier, State, _leave.Token);
                await await Task.WhenAny(_applier.First, _control).WaitAsync(cancellationToken);
                if (predecessor is not null) await predecessor.ReadyAsync();
                _listeners.DropInherited();
                OpenHandover();
                _ready.TrySetResult();
            }
            else
            {
                _ = CompleteReadyAsync();
            }
        }
        catch (Exception e)
        {
            _ready.TrySetException(e);
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        State.IsDraining = true;
        await _stopping.CancelAsync();
        using var limit = new CancellationTokenSource(State.Snapshot?.DrainTime ?? DefaultDrainTime, _time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        if (_handedOver.Task.IsCompleted) await LetGoAsync(giveUp.Token);
        if (_handover is not null) await _handover.DisposeAsync();
        await _listeners.CloseAsync();
        await Task.WhenAll(_http.StopAsync(giveUp.Token), _inbound.DrainAsync(giveUp.Token).ContinueWith(_ => { }, TaskScheduler.Default), _open.DrainAsync(giveUp.Token));
        await _leave.CancelAsync();
        await _control.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _applier.TrustChanged -= Retire;
        _applier.FaultsChanged -= Retire;
        _parts.Svids.Changed -= RetireInbound;
        await _http.DisposeAsync();
        _httpSockets.Dispose();
        await _pipeline.DisposeAsync();
        await _dialer.DisposeAsync();
        await _listeners.DisposeAsync();
        if (_parts.Control is { } control) await control.DisposeAsync();
        if (_parts.Events is IAsyncDisposable events) await events.DisposeAsync();
        await _services.DisposeAsync();
        _turns?.Dispose();
        _listeners.DropInherited();
        _leave.Dispose();
        _stopping.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await StopAsync(now.Token);
    }

    private HandshakeChange? HandshakeChangeOf(RuntimeHolder holder, string? to)
    {
        if (holder.CurrentOrNull is not { } runtime || runtime.Rules.DecideHandshake(to) is not { } fired) return null;
        _certificates ??= new ChaosCertificates(runtime.Identity, _time);
        return fired.Handshake(_certificates);
    }

    async Task IHandover.LeaveControlAsync()
    {
        await _leave.CancelAsync();
        await _control.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    void IHandover.ReturnToControl()
    {
        if (Volatile.Read(ref _stopped) != 0) return;
        _leave.Dispose();
        _leave = new CancellationTokenSource();
        _control = _parts.Control!.RunAsync(_applier, State, _leave.Token);
    }

    void IHandover.HandedOver() => _handedOver.TrySetResult();

    private void OpenHandover()
    {
        if (State.Bootstrap.HandoverSocket is { } path && !OperatingSystem.IsWindows()) _handover = HandoverServer.Start(path, this, _logger);
    }

    // A newer process takes what comes from now on. Whoever is connected here is told so and gets half of the drain time to go there by itself: a kept-alive
    // connection that is closed while its client sends a request would lose that request.
    private async Task LetGoAsync(CancellationToken giveUp)
    {
        await _listeners.CloseAsync();
        _http.LastAnswers = true;
        _inbound.Retire(stopping: true);
        using var half = new CancellationTokenSource((State.Snapshot?.DrainTime ?? DefaultDrainTime) / 2, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(half.Token, giveUp);
        await _open.WhenNoneAsync(either.Token);
    }

    private async Task CompleteReadyAsync()
    {
        try
        {
            await _applier.First;
            _ready.TrySetResult();
        }
        catch (MeshValidationException e)
        {
            _ready.TrySetException(e);
        }
    }

    // The control plane takes this sidecar out of its callers' snapshots; what they opened finishes, and readiness says no.
    private void OnDrainAsked(TimeSpan time)
    {
        State.IsDraining = true;
        _inbound.Retire();
    }

    private void RetireInbound() => _inbound.Retire();

    private void Retire()
    {
        _dialer.Retire();
        _inbound.Retire();
    }
}
