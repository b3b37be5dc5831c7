using System.Text.Json;
using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Admin;

/// <summary>The admin API: what tools, tests and an AppHost with its control plane in another process call. Needs the bearer token; answers carry no secret, save for /v1/bootstrap, whose purpose it is.</summary>
internal sealed class AdminServer(MeshControlPlane mesh, string listen, ILoggerFactory logs)
{
    private WebApplication? _app;

    /// <summary>Where it really listens, <c>http://host:port</c>.</summary>
    public string Address { get; private set; } = "";

    public async Task StartAsync(string token, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(HostPort.Parse(listen).ToEndPoint());
        });
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        var guard = new BearerToken(token);
        _app.Use(guard.InvokeAsync);
        _app.Use(RefuseAsync);
        _app.UseRouting();
        MapReads(_app);
        MapChanges(_app);
        MapHost(_app);
        await ListenFailure.Explain(listen, "admin API", () => _app.StartAsync(cancellationToken));
        Address = _app.Urls.Single();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is null) return;
        await _app.StopAsync(cancellationToken);
        await _app.DisposeAsync();
        _app = null;
    }

    private static async Task RefuseAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (MeshValidationException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsJsonAsync(new AdminRefusal { Problems = e.Problems }, AdminJson.Default.AdminRefusal);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = e.StatusCode;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }

    private void MapReads(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/status", c => c.Response.WriteAsJsonAsync(mesh.GetStatus(), AdminJson.Default.MeshStatus));
        routes.MapGet("/v1/check", c => c.Response.WriteAsJsonAsync(mesh.Check(), AdminJson.Default.CheckResult));
        routes.MapGet("/v1/routes", c => c.Response.WriteAsJsonAsync(mesh.GetRoutes(), AdminJson.Default.RouteViewArray));
        routes.MapGet("/v1/stat", c => c.Response.WriteAsJsonAsync(mesh.GetStat(), AdminJson.Default.StatRowArray));
        routes.MapGet("/v1/certs", c => c.Response.WriteAsJsonAsync(mesh.GetCertificates(), AdminJson.Default.CertificatesView));
        routes.MapGet("/v1/faults", c => c.Response.WriteAsJsonAsync([.. mesh.Faults], AdminJson.Default.FaultRuleArray));
        routes.MapGet("/v1/faults/tallies", c => c.Response.WriteAsJsonAsync([.. mesh.GetFaultTallies()], AdminJson.Default.FaultTallyArray));
        routes.MapGet("/v1/workloads/{instance}/config", c => c.Response.WriteAsJsonAsync(mesh.GetConfig((string)c.Request.RouteValues["instance"]!), AdminJson.Default.MeshSnapshot));
        routes.MapGet("/v1/tap", TapAsync);
    }

    private void MapChanges(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/certs/rotate", async c =>
        {
            await mesh.RotateRootAsync(c.RequestAborted);
            await c.Response.WriteAsJsonAsync(mesh.GetCertificates(), AdminJson.Default.CertificatesView);
        });
        routes.MapPost("/v1/certs/renew", async c => mesh.RenewNow((await ReadAsync<RenewChange>(c)).Instance));
        routes.MapPost("/v1/mtls", async c =>
        {
            var change = await ReadAsync<MtlsChange>(c);
            mesh.SetMtls(change.Mode, change.Force);
        });
        routes.MapPost("/v1/split", async c => mesh.MoveSplit(await ReadAsync<SplitChange>(c)));
        routes.MapPost("/v1/faults", async c =>
        {
            mesh.AddFault(await ReadAsync<FaultRule>(c));
            await mesh.WaitForFaultsAsync(c.RequestAborted);
        });
        routes.MapPut("/v1/faults/lease", async c => mesh.SetFaultLease(await ReadAsync<FaultLease>(c)));
        routes.MapDelete("/v1/faults", async c =>
        {
            mesh.ClearFaults();
            await mesh.WaitForFaultsAsync(c.RequestAborted);
        });
        routes.MapDelete("/v1/faults/{id}", async c =>
        {
            mesh.RemoveFault((string)c.Request.RouteValues["id"]!);
            await mesh.WaitForFaultsAsync(c.RequestAborted);
        });
        routes.MapPost("/v1/upgrades", async c =>
            await c.Response.WriteAsJsonAsync(await mesh.UpgradeAsync((await ReadAsync<UpgradeRequest>(c)).Instance, c.RequestAborted), AdminJson.Default.UpgradeOutcome));
        routes.MapPut("/v1/policies", async c => mesh.ApplyPolicies(await ReadAsync<PolicyDocument>(c)));
    }

    private void MapHost(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v1/model", async c => mesh.ApplyModel(await ReadAsync<MeshModel>(c)));
        routes.MapPut("/v1/apps/address", async c =>
        {
            var change = await ReadAsync<AppAddressChange>(c);
            mesh.SetAppAddress(change.Workload, change.Instance, change.Endpoint, change.Address);
        });
        routes.MapPut("/v1/apps/health", async c =>
        {
            var change = await ReadAsync<AppHealthChange>(c);
            mesh.SetAppHealth(change.Instance, change.Healthy, change.Running);
        });
        routes.MapPut("/v1/apps/callers", async c =>
        {
            var change = await ReadAsync<CallerAddressesChange>(c);
            mesh.SetCallerAddresses(change.Instance, change.Addresses);
        });
        routes.MapGet("/v1/upgrades/next", async c => await c.Response.WriteAsJsonAsync(await mesh.NextUpgradeAsync(c.RequestAborted), AdminJson.Default.UpgradeTicket));
        routes.MapPut("/v1/upgrades/{id:long}", async c =>
            mesh.AnswerUpgrade(long.Parse((string)c.Request.RouteValues["id"]!, System.Globalization.CultureInfo.InvariantCulture), await ReadAsync<UpgradeOutcome>(c)));
        routes.MapPost("/v1/bootstrap", async c =>
        {
            var request = await ReadAsync<BootstrapRequest>(c);
            await c.Response.WriteAsJsonAsync(mesh.CreateBootstrap(request.Instance), AdminJson.Default.SidecarBootstrap);
        });
    }

    private async Task TapAsync(HttpContext context)
    {
        string? Part(string name) => context.Request.Query.TryGetValue(name, out var value) && value.Count > 0 ? value[0] : null;
        _ = int.TryParse(Part("minStatus"), out var minStatus);
        var filter = new TapFilter { From = Part("from"), To = Part("to"), Path = Part("path"), Method = Part("method"), MinStatus = minStatus };
        context.Response.ContentType = "application/x-ndjson";
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, mesh.Stopping);
        try
        {
            await foreach (var tapped in mesh.TapAsync(filter, ending.Token))
            {
                await JsonSerializer.SerializeAsync(context.Response.Body, tapped, AdminJson.Default.TapEvent, ending.Token);
                await context.Response.Body.WriteAsync("\n"u8.ToArray(), ending.Token);
                await context.Response.Body.FlushAsync(ending.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has seen enough, or the control plane stops: either way this is how a tap ends.
            return;
        }
    }

    private static async Task<T> ReadAsync<T>(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        return MeshDocument.Read<T>(await reader.ReadToEndAsync(context.RequestAborted), $"{context.Request.Method} {context.Request.Path}");
    }
}
