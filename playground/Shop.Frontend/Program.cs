using Shop.Frontend;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddHttpClient(ShopApi.Catalog, client => client.BaseAddress = new Uri("https+http://catalog"));
builder.Services.AddHttpClient(ShopApi.Orders, client =>
{
    client.BaseAddress = new Uri("https+http://orders");
    // An order's events go on for as long as the order does.
    client.Timeout = Timeout.InfiniteTimeSpan;
});
var app = builder.Build();
app.MapDefaultEndpoints();
app.UseWebSockets();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapShopApi();
app.Run();
