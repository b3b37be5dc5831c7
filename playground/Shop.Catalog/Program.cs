using Shop.Catalog;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddSingleton(ProductCache.Connect(builder.Configuration.GetConnectionString("cache")));
builder.Services.AddSingleton<ProductCache>();
var app = builder.Build();
app.MapDefaultEndpoints();

var replica = ReplicaName.Find(app.Configuration);
app.MapGet("/products", async (ProductCache cache, HttpResponse response) =>
{
    response.Headers["X-Replica"] = replica;
    var (products, outcome) = await cache.GetProductsAsync();
    return new ProductPage(replica, outcome, products);
});
app.MapGet("/products/{sku}", async (string sku, ProductCache cache) =>
{
    var product = Product.All.FirstOrDefault(p => p.Sku == sku);
    return product is null ? Results.NotFound() : Results.Ok(new { product, views = await cache.CountViewAsync(sku), replica });
});
app.Run();
