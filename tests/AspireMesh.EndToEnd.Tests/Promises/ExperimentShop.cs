using Aspire.Hosting.Testing;
using AspireMesh.EndToEnd.Tests.Running;
using AspireMesh.EndToEnd.Tests.Shop;
using AspireMesh.Protocol.Admin;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.EndToEnd.Tests.Promises;

/// <summary>A shop inside the test, for one experiment after the other.</summary>
internal sealed class ExperimentShop : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(180);
    private readonly ShopClient _client;
    private int _orders;

    private ExperimentShop(DistributedApplication app)
    {
        App = app;
        _client = new ShopClient(app.GetEndpoint("frontend"));
    }

    public DistributedApplication App { get; }

    public HttpClient Http => _client.Http;

    /// <summary>Starts the shop.</summary>
    /// <param name="vary">Takes something out of the AppHost before it runs.</param>
    public static async Task<ExperimentShop> StartAsync(Action<IDistributedApplicationTestingBuilder>? vary = null)
    {
        Machine.NeedNode();
        Machine.NeedPostgres();
        var appHost = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Shop_AppHost>(["--Mesh:Chaos=true", "--Shop:Store=installed", "--Shop:InventoryReplicas=2"]);
        vary?.Invoke(appHost);
        var app = await appHost.BuildAsync();
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            await app.StartAsync(patience.Token);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("frontend", patience.Token);
            var shop = new ExperimentShop(app);
            // The first calls of all find services that have yet to warm up, on a busy machine for longer than an attempt may take; an experiment is about what comes after.
            await Eventually.TrueAsync(async () => await shop.BrowseAsync(patience.Token) && await shop.LookAtStockAsync(patience.Token), "a shop that answers through the mesh");
            return shop;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Every sidecar is connected, has its SVID and obeys: a fault of an experiment before is quite gone.</summary>
    public async Task<ExperimentShop> WellAsync()
    {
        using var mesh = new MeshAdminClient(await App.Services.GetRequiredService<MeshAccess>().Run);
        await Eventually.GetAsync(() => mesh.GetStatusAsync(CancellationToken.None), s => s.Workloads.All(w => w.Healthy), "a mesh that is well", Patience, s => string.Join("; ", s.Workloads.SelectMany(w => w.Problems)));
        return this;
    }

    /// <summary>A whole order, from the basket to the parcel. What is sold changes, because the shelves are small.</summary>
    public async Task<bool> CheckOutAsync(CancellationToken cancellationToken)
    {
        string[] goods = ["compass", "lamp", "boots", "kettle"];
        var sku = goods[Interlocked.Increment(ref _orders) % goods.Length];
        return await _client.PlaceAndFollowAsync(sku, pieces: 1, price: 1_900) == "Shipped";
    }

    /// <summary>The catalogue, as the page asks for it.</summary>
    public async Task<bool> BrowseAsync(CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync("/api/products", cancellationToken);
        return response.IsSuccessStatusCode;
    }

    /// <summary>What is on the shelves: over gRPC from the inventory.</summary>
    public async Task<bool> LookAtStockAsync(CancellationToken cancellationToken)
    {
        using var response = await Http.GetAsync("/api/stock", cancellationToken);
        return response.IsSuccessStatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await App.DisposeAsync();
    }
}

/// <summary>One shop with everything that protects it, and one without, each started by the first test that asks.</summary>
public sealed class PromiseShops : IAsyncLifetime
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ExperimentShop? _running;
    private string? _variation;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>The shop of a variation. Another one is ended first: two at once are too much for a small machine.</summary>
    internal async Task<ExperimentShop> GetAsync(string variation, Action<IDistributedApplicationTestingBuilder>? vary)
    {
        await _gate.WaitAsync();
        try
        {
            if (_running is not null && _variation == variation) return await _running.WellAsync();
            if (_running is not null) await _running.DisposeAsync();
            (_running, _variation) = (null, variation);
            _running = await ExperimentShop.StartAsync(vary);
            return await _running.WellAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null) await _running.DisposeAsync();
        _gate.Dispose();
    }
}

[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PromiseCollection : ICollectionFixture<PromiseShops>
{
    public const string Name = "the shop's promises";
}
