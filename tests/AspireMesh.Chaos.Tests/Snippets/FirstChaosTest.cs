using Aspire.Hosting.Testing;

namespace AspireMesh.Chaos.Tests.Snippets;

/// <summary>The first test of docs/chaos.md, so that it compiles.</summary>
internal static class FirstChaosTest
{
    public static async Task RunAsync<TAppHost>()
        where TAppHost : class
    {
        #region FirstTest
        var appHost = await DistributedApplicationTestingBuilder.CreateAsync<TAppHost>(["--Mesh:Chaos=true"]);
        await using var app = await appHost.BuildAsync();
        await app.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("frontend");
        using var http = app.CreateHttpClient("frontend");

        await using (var fault = await app.InjectAsync(ChaosEdge.Between("orders", "inventory"), Faults.Refuse(), o => o.First(1)))
        {
            // The mesh tries again when nobody took the first connection.
            Assert.True((await http.GetAsync("/api/stock")).IsSuccessStatusCode);
            await fault.WaitForFiresAsync();
        }
        #endregion
    }
}
