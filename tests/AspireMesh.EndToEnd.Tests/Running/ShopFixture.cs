namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>One running shop for all tests of a class. It is started by the first test that asks, so that a skip can name its reason.</summary>
public abstract class ShopFixture(SidecarMode mode) : IAsyncLifetime
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private RunningShop? shop;

    public SidecarMode Mode => mode;

    internal async Task<RunningShop> GetAsync()
    {
        await gate.WaitAsync();
        try
        {
            return shop ??= mode is SidecarMode.Rehearsed or SidecarMode.RehearsedOnLoopback ? await RehearsedShop.StartAsync(mode) : await AppHostShop.StartAsync(mode);
        }
        finally
        {
            gate.Release();
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (shop is not null) await shop.DisposeAsync();
        gate.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>All sidecars in the AppHost's process.</summary>
public sealed class SharedShop() : ShopFixture(SidecarMode.Shared);

/// <summary>A process per sidecar.</summary>
public sealed class PerWorkloadShop() : ShopFixture(SidecarMode.PerWorkload);

/// <summary>The published chart, rehearsed in network namespaces.</summary>
public sealed class ShopRehearsal() : ShopFixture(SidecarMode.Rehearsed);

/// <summary>The published chart, rehearsed on loopback.</summary>
public sealed class ShopLoopbackRehearsal() : ShopFixture(SidecarMode.RehearsedOnLoopback);

/// <summary>How the shop is run.</summary>
public enum SidecarMode
{
    /// <summary>By its AppHost, all sidecars in the AppHost's process.</summary>
    Shared,

    /// <summary>By its AppHost, a process per sidecar.</summary>
    PerWorkload,

    /// <summary>Its chart, rehearsed in network namespaces.</summary>
    Rehearsed,

    /// <summary>Its chart, rehearsed on loopback.</summary>
    RehearsedOnLoopback,
}

/// <summary>Tests that share one run with shared sidecars. Not beside others: a shop is a dozen processes, and two at once on a small machine wait for each other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SharedShopCollection : ICollectionFixture<SharedShop>
{
    public const string Name = "shared shop";
}

/// <summary>Tests that share one run with a process per sidecar.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PerWorkloadShopCollection : ICollectionFixture<PerWorkloadShop>
{
    public const string Name = "shop with a process per sidecar";
}

/// <summary>Tests that share one rehearsal in network namespaces.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ShopRehearsalCollection : ICollectionFixture<ShopRehearsal>
{
    public const string Name = "shop rehearsed";
}

/// <summary>Tests that share one rehearsal on loopback.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ShopLoopbackRehearsalCollection : ICollectionFixture<ShopLoopbackRehearsal>
{
    public const string Name = "shop rehearsed on loopback";
}

/// <summary>Tests that end their shop, so that each starts its own.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OwnShopCollection
{
    public const string Name = "shops of their own";
}
