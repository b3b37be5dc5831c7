using System.Text.Json;
using StackExchange.Redis;

namespace Shop.Catalog;

/// <summary>The product list and the view counts, in the Redis-protocol server named by the connection string <c>cache</c>.</summary>
internal sealed partial class ProductCache(Lazy<Task<IConnectionMultiplexer>> connection, ILogger<ProductCache> logger)
{
    private const string ProductsKey = "catalog:products";
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(15);

    public static Lazy<Task<IConnectionMultiplexer>> Connect(string? connectionString) => new(async () =>
    {
        var options = ConfigurationOptions.Parse(connectionString ?? throw new InvalidOperationException("The connection string 'cache' is missing. Start the shop from its AppHost."));
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = 2000;
        options.AsyncTimeout = 2000;
        return await ConnectionMultiplexer.ConnectAsync(options);
    });

    /// <summary>The products, and whether they came from the cache ("hit"), the source ("miss") or the source because the cache did not answer ("down").</summary>
    public async Task<(IReadOnlyList<Product> Products, string Outcome)> GetProductsAsync()
    {
        try
        {
            var database = (await connection.Value).GetDatabase();
            var cached = await database.StringGetAsync(ProductsKey);
            if (cached.HasValue) return (JsonSerializer.Deserialize<Product[]>(cached.ToString())!, "hit");
            await database.StringSetAsync(ProductsKey, JsonSerializer.Serialize(Product.All), Lifetime);
            return (Product.All, "miss");
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            CacheDown(logger, error.Message);
            return (Product.All, "down");
        }
    }

    /// <summary>Counts one look at a product and returns how many there were.</summary>
    public async Task<long> CountViewAsync(string sku) => await (await connection.Value).GetDatabase().StringIncrementAsync($"catalog:views:{sku}");

    [LoggerMessage(Level = LogLevel.Warning, Message = "The cache does not answer, products come from the source: {Reason}")]
    private static partial void CacheDown(ILogger logger, string reason);
}
