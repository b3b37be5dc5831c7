using System.Net.Http.Json;
using System.Text.Json;
using AspireMesh.Simulator.Dashboard.Install;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.Tests.SimulatorOnly.Dashboard;

/// <summary>A small application with the real dashboard: <c>front</c> twice, each with a sidecar under it, and a command on it.</summary>
internal sealed class RealDashboard : IAsyncDisposable
{
    private readonly DistributedApplication _app;
    private readonly HttpClient _http = new();

    private readonly IDistributedApplicationTestingBuilder _builder;

    private RealDashboard(IDistributedApplicationTestingBuilder builder, DistributedApplication app) => (_builder, _app) = (builder, app);

    internal DistributedApplication App => _app;

    internal string Address { get; private set; } = "";

    internal string LoginUrl => $"{Address}/login?t={Configuration["AppHost:BrowserToken"]}";

    private IConfiguration Configuration => _app.Services.GetRequiredService<IConfiguration>();

    /// <summary>Starts it; skips the test where this machine has no dashboard.</summary>
    internal static async Task<RealDashboard> StartAsync()
    {
        var builder = DistributedApplicationTestingBuilder.Create([], (options, _) => options.DisableDashboard = false);
        var front = builder.AddTestApp("front").WithHttpHealthCheck("/health");
        builder.AddTestApp("front-sidecar").WithParentRelationship(front);
        var app = await builder.BuildAsync(TestApp.Patience);
        var found = await app.Services.GetRequiredService<DashboardFinder>().FindAsync(TestApp.Patience);
        Assert.SkipWhen(found.Path is null, $"No dashboard: {found.Problem}");
        var dashboard = new RealDashboard(builder, app);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("aspire-dashboard", KnownResourceStates.Running, TestApp.Patience);
        dashboard.Address = app.GetEndpoint("aspire-dashboard", "http").ToString().TrimEnd('/');
        await dashboard.WaitUntilItAnswersAsync();
        return dashboard;
    }

    internal async Task<string> GetTelemetryAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Address}/api/telemetry/{path}");
        request.Headers.Add("x-api-key", Configuration["AppHost:DashboardApiKey"]);
        using var response = await _http.SendAsync(request, TestApp.Patience);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync(TestApp.Patience);
    }

    /// <summary>Sends a span as a service does, to the address and with the key that services are given.</summary>
    internal async Task<int> SendSpanAsync(string service, string? key)
    {
        var endpoint = _app.GetEndpoint("aspire-dashboard", "otlp-http");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, "/v1/traces"))
        {
            Content = JsonContent.Create(JsonSerializer.Deserialize<JsonElement>(Span(service))),
        };
        if (key is not null)
        {
            request.Headers.Add("x-otlp-api-key", key);
        }

        using var response = await _http.SendAsync(request, TestApp.Patience);
        return (int)response.StatusCode;
    }

    internal string? OtlpKey => Configuration["AppHost:OtlpApiKey"];

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        await _builder.DisposeAsync();
    }

    private async Task WaitUntilItAnswersAsync()
    {
        while (true)
        {
            try
            {
                using var answer = await _http.GetAsync(Address + "/login", TestApp.Patience);
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(100, TestApp.Patience);
            }
        }
    }

    private static string Span(string service) => $$"""
        { "resourceSpans": [ {
            "resource": { "attributes": [ { "key": "service.name", "value": { "stringValue": "{{service}}" } }, { "key": "service.instance.id", "value": { "stringValue": "one" } } ] },
            "scopeSpans": [ { "scope": { "name": "test" }, "spans": [ {
              "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "a request", "kind": 2,
              "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000" } ] } ] } ] }
        """;
}
