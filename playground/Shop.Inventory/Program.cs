using Microsoft.AspNetCore.Server.Kestrel.Core;
using Npgsql;
using OpenTelemetry.Trace;
using Shop.Inventory;

var builder = WebApplication.CreateBuilder(args);
// Cleartext HTTP/2 needs a port of its own in Kestrel; health checks speak HTTP/1.1 on the other one.
var grpcPort = builder.Configuration.GetValue("GRPC_PORT", 0);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen =>
{
    if (listen.IPEndPoint?.Port == grpcPort) listen.Protocols = HttpProtocols.Http2;
}));
builder.AddServiceDefaults();
builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddNpgsql());
builder.Services.AddGrpc();
builder.Services.AddSingleton(StockStartup.Open(builder.Configuration.GetConnectionString("stock")));
builder.Services.AddSingleton<StockStartup>();
builder.Services.AddHostedService(services => services.GetRequiredService<StockStartup>());
builder.Services.AddHealthChecks().AddCheck<StockStartup>("stock");
var app = builder.Build();
app.MapDefaultEndpoints();
app.MapGrpcService<InventoryService>();
app.MapGet("/", async (StockStore store, CancellationToken cancellation) => new { store = store.Name, levels = await store.ListAsync(cancellation) });
app.Run();
