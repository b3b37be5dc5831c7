using System.Reflection;

namespace AspireMesh.Simulator.Tests;

/// <summary>The tiny application tests start, and how long they wait for it.</summary>
internal static class TestApp
{
    public static string Path { get; } = typeof(TestApp).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == "TestAppPath").Value!;

    public static string Directory { get; } = System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>Adds the application with an http endpoint whose port it is told in a variable.</summary>
    public static IResourceBuilder<ExecutableResource> AddTestApp(this IDistributedApplicationBuilder builder, string name, params string[] args) =>
        builder.AddExecutable(name, "dotnet", Directory, [Path, .. args]).WithHttpEndpoint(env: "ASPNETCORE_HTTP_PORTS");

    /// <summary>Long enough for a loaded machine; no test waits this long when things work.</summary>
    public static CancellationToken Patience => CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken, new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token).Token;

    public static async Task<Dictionary<string, string>> EnvironmentOfAsync(DistributedApplication app, string name)
    {
        using var client = app.CreateHttpClient(name, "http");
        var json = await client.GetStringAsync("/env", Patience);
        return System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(json)!;
    }
}
