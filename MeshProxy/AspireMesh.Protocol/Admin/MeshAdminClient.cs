using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Snapshot;

namespace AspireMesh.Protocol.Admin;

/// <summary>
/// The control plane's admin API, typed. Every method throws <see cref="MeshValidationException"/> with all reasons when the control plane refuses, or when
/// it cannot be reached (<see cref="MeshDiagnostics.ControlPlaneAway"/>).
/// </summary>
public sealed class MeshAdminClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _name;

    /// <summary>Makes a client for a running mesh.</summary>
    public MeshAdminClient(RunFile run)
        : this(run, new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
    {
    }

    /// <summary>Makes a client that sends through a handler of the caller's.</summary>
    public MeshAdminClient(RunFile run, HttpMessageHandler handler)
    {
        _name = run.AppHost;
        // No time limit of its own: a tap runs as long as its reader, and every other caller has a cancellation token.
        _http = new HttpClient(handler) { BaseAddress = new Uri(run.Admin), Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", run.Token);
    }

    /// <summary>Every sidecar and edge.</summary>
    public Task<MeshStatus> GetStatusAsync(CancellationToken cancellationToken) => GetAsync("/v1/status", AdminJson.Default.MeshStatus, cancellationToken);

    /// <summary>What is wrong, if anything.</summary>
    public Task<CheckResult> CheckAsync(CancellationToken cancellationToken) => GetAsync("/v1/check", AdminJson.Default.CheckResult, cancellationToken);

    /// <summary>The compiled routes of all sidecars.</summary>
    public Task<RouteView[]> GetRoutesAsync(CancellationToken cancellationToken) => GetAsync("/v1/routes", AdminJson.Default.RouteViewArray, cancellationToken);

    /// <summary>Recent figures by edge.</summary>
    public Task<StatRow[]> GetStatAsync(CancellationToken cancellationToken) => GetAsync("/v1/stat", AdminJson.Default.StatRowArray, cancellationToken);

    /// <summary>The snapshot a sidecar should obey, with secrets left out. Takes a workload's name where it has one sidecar.</summary>
    public Task<MeshSnapshot> GetConfigAsync(string instance, CancellationToken cancellationToken) =>
        GetAsync($"/v1/workloads/{Uri.EscapeDataString(instance)}/config", AdminJson.Default.MeshSnapshot, cancellationToken);

    /// <summary>Roots and SVIDs.</summary>
    public Task<CertificatesView> GetCertificatesAsync(CancellationToken cancellationToken) => GetAsync("/v1/certs", AdminJson.Default.CertificatesView, cancellationToken);

    /// <summary>Replaces the root, step by step; returns when the old one is trusted no more.</summary>
    public Task<CertificatesView> RotateRootAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/certs/rotate", null, AdminJson.Default.CertificatesView, cancellationToken);

    /// <summary>Asks sidecars to renew their SVIDs now.</summary>
    public Task RenewAsync(RenewChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/certs/renew", JsonContent.Create(change, AdminJson.Default.RenewChange), cancellationToken);

    /// <summary>Changes how plaintext is treated.</summary>
    public Task SetMtlsAsync(MtlsChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/mtls", JsonContent.Create(change, AdminJson.Default.MtlsChange), cancellationToken);

    /// <summary>Moves the weight of a leg.</summary>
    public Task MoveSplitAsync(SplitChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/split", JsonContent.Create(change, AdminJson.Default.SplitChange), cancellationToken);

    /// <summary>The faults in force.</summary>
    public Task<FaultRule[]> GetFaultsAsync(CancellationToken cancellationToken) => GetAsync("/v1/faults", AdminJson.Default.FaultRuleArray, cancellationToken);

    /// <summary>What faults decided and how often they fired, by fault, edge and sidecar; those gone lately included. Sidecars report about every second.</summary>
    public Task<FaultTally[]> GetFaultTalliesAsync(CancellationToken cancellationToken) => GetAsync("/v1/faults/tallies", AdminJson.Default.FaultTallyArray, cancellationToken);

    /// <summary>Takes, renews or gives up the lease of a session of faults.</summary>
    public Task SetFaultLeaseAsync(FaultLease lease, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/faults/lease", JsonContent.Create(lease, AdminJson.Default.FaultLease), cancellationToken);

    /// <summary>Adds a fault; one with the same id is replaced. Returns when the sidecars obey it, or after some seconds where one does not answer.</summary>
    public Task AddFaultAsync(FaultRule fault, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/faults", JsonContent.Create(fault, AdminJson.Default.FaultRule), cancellationToken);

    /// <summary>Removes a fault, or all of them. Returns when the sidecars obey, or after some seconds where one does not answer.</summary>
    public Task RemoveFaultAsync(string? id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, id is null ? "/v1/faults" : $"/v1/faults/{Uri.EscapeDataString(id)}", null, cancellationToken);

    /// <summary>Applies a policy document, as JSON, to the running model.</summary>
    public Task ApplyPoliciesAsync(string json, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/policies", new StringContent(json, Encoding.UTF8, "application/json"), cancellationToken);

    /// <summary>Puts a model in force.</summary>
    public Task ApplyModelAsync(MeshModel model, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/model", JsonContent.Create(model, AdminJson.Default.MeshModel), cancellationToken);

    /// <summary>Says where an app listens.</summary>
    public Task SetAppAddressAsync(AppAddressChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/apps/address", JsonContent.Create(change, AdminJson.Default.AppAddressChange), cancellationToken);

    /// <summary>Says whether an app is healthy.</summary>
    public Task SetAppHealthAsync(AppHealthChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/apps/health", JsonContent.Create(change, AdminJson.Default.AppHealthChange), cancellationToken);

    /// <summary>Says where an app's connections come from.</summary>
    public Task SetCallerAddressesAsync(CallerAddressesChange change, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, "/v1/apps/callers", JsonContent.Create(change, AdminJson.Default.CallerAddressesChange), cancellationToken);

    /// <summary>What a sidecar needs to start, with a fresh join token. A secret.</summary>
    public Task<SidecarBootstrap> CreateBootstrapAsync(string instance, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/bootstrap", JsonContent.Create(new BootstrapRequest { Instance = instance }, AdminJson.Default.BootstrapRequest), AdminJson.Default.SidecarBootstrap, cancellationToken);

    /// <summary>Replaces a sidecar's process; returns when another has taken over, or with why none did.</summary>
    public Task<UpgradeOutcome> UpgradeAsync(UpgradeRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/v1/upgrades", JsonContent.Create(request, AdminJson.Default.UpgradeRequest), AdminJson.Default.UpgradeOutcome, cancellationToken);

    /// <summary>The next wish for an upgrade, for who runs the processes; waits until there is one.</summary>
    public Task<UpgradeTicket> NextUpgradeAsync(CancellationToken cancellationToken) => GetAsync("/v1/upgrades/next", AdminJson.Default.UpgradeTicket, cancellationToken);

    /// <summary>Says what became of an upgrade.</summary>
    public Task AnswerUpgradeAsync(long id, UpgradeOutcome outcome, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, $"/v1/upgrades/{id}", JsonContent.Create(outcome, AdminJson.Default.UpgradeOutcome), cancellationToken);

    /// <summary>Requests as they end, until cancelled.</summary>
    public async IAsyncEnumerable<TapEvent> TapAsync(TapFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/tap" + Query(filter));
        using var response = await ExchangeAsync(request, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await WholeAsync(() => reader.ReadLineAsync(cancellationToken).AsTask()) is { } line)
        {
            if (line.Length > 0 && JsonSerializer.Deserialize(line, AdminJson.Default.TapEvent) is { } tapped) yield return tapped;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string Query(TapFilter filter)
    {
        (string Name, string? Value)[] parts =
            [("from", filter.From), ("to", filter.To), ("path", filter.Path), ("method", filter.Method), ("minStatus", filter.MinStatus == 0 ? null : $"{filter.MinStatus}")];
        var set = parts.Where(p => p.Value is not null).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}").ToArray();
        return set.Length == 0 ? "" : "?" + string.Join('&', set);
    }

    private Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, type, cancellationToken);

    private async Task SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await ExchangeAsync(request, cancellationToken);
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await ExchangeAsync(request, cancellationToken);
        return await WholeAsync(() => response.Content.ReadFromJsonAsync(type, cancellationToken)) ?? throw Away("it answered with nothing");
    }

    // The control plane may be gone before the whole of its answer is here.
    private async Task<T> WholeAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
        {
            throw Away($"its answer ended in the middle ({e.Message})");
        }
    }

    private async Task<HttpResponseMessage> ExchangeAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Away(e.Message);
        }
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            throw new MeshValidationException(await ReadRefusalAsync(response, cancellationToken));
        }
    }

    private async Task<ImmutableArray<MeshProblem>> ReadRefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            if (await response.Content.ReadFromJsonAsync(AdminJson.Default.AdminRefusal, cancellationToken) is { Problems.IsDefaultOrEmpty: false } refusal) return refusal.Problems;
        }
        catch (JsonException)
        {
            return Away($"it answered {(int)response.StatusCode} with something that is not its own").Problems;
        }
        return Away($"it answered {(int)response.StatusCode}").Problems;
    }

    private MeshValidationException Away(string found) =>
        new([MeshDiagnostics.ControlPlaneAway.Found($"The control plane of '{_name}' at {_http.BaseAddress} does not answer: {found}. Start the AppHost again.")]);
}
