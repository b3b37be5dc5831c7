// What tests need of an application: it says what it was given, calls others by the URLs it was given, and ends as told.
using System.Text.Json;

if (args is ["exit", var code])
{
    Console.WriteLine($"ending with {code}");
    return int.Parse(code);
}

var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var app = builder.Build();

var healthStatus = int.TryParse(Environment.GetEnvironmentVariable("HEALTH_STATUS"), out var configured) ? configured : 200;
app.MapGet("/", () => $"hello from {Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? "app"} {Environment.ProcessId}");
app.MapGet("/health", () => Results.StatusCode(healthStatus));
app.MapPost("/health/{status:int}", (int status) => healthStatus = status);
app.MapGet("/pid", () => Environment.ProcessId.ToString());
app.MapGet("/env", () => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(e => (string)e.Key, e => (string?)e.Value));
app.MapGet("/args", () => JsonSerializer.Serialize(args));
app.MapGet("/request", (HttpRequest request) => Results.Json(new
{
    request.Method,
    request.Protocol,
    request.Scheme,
    Host = request.Host.Value,
    Headers = request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString()),
}));
app.MapPost("/echo", async (HttpRequest request, HttpResponse response) =>
{
    response.ContentType = request.ContentType;
    await request.Body.CopyToAsync(response.Body);
});

// Calls the URL in a variable of this process, with a path: /call/BACK_HTTP?path=/pid
app.MapGet("/call/{variable}", async (string variable, string? path) =>
{
    var address = Environment.GetEnvironmentVariable(variable);
    if (address is null)
    {
        return Results.NotFound($"{variable} is not set");
    }

    using var client = new HttpClient();
    using var response = await client.GetAsync(new Uri(new Uri(address), path ?? "/"));
    return Results.Text(await response.Content.ReadAsStringAsync(), statusCode: (int)response.StatusCode);
});
app.MapPost("/exit/{code:int}", (int code) =>
{
    Environment.ExitCode = code;
    app.Lifetime.StopApplication();
});
Console.WriteLine("a line on standard output");
Console.Error.WriteLine("a line on standard error");
await app.RunAsync();
return Environment.ExitCode;
