using AspireMesh.Simulator.Dashboard.Install;
using AspireMesh.Simulator.Dashboard.Start;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace AspireMesh.Simulator.Tests.SimulatorOnly.Dashboard;

public sealed class DashboardFinderTests
{
    [Fact]
    public async Task A_path_that_is_given_and_does_not_exist_is_named_with_the_remedy()
    {
        var found = await Finder("ASPIRE_DASHBOARD_PATH", "/nowhere/aspire-managed").FindAsync(CancellationToken.None);

        Assert.Null(found.Path);
        Assert.Contains("'/nowhere/aspire-managed'", found.Problem, StringComparison.Ordinal);
        Assert.Contains("ASPIRE_DASHBOARD_PATH", found.Problem, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", found.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_switch_wins_over_the_variable()
    {
        var file = Path.GetTempFileName();
        try
        {
            var finder = Finder("ASPIRE_DASHBOARD_PATH", "/nowhere/aspire-managed", "DcpPublisher:DashboardPath", file);

            Assert.Equal(file, (await finder.FindAsync(CancellationToken.None)).Path);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Without_a_dashboard_an_application_runs_and_its_services_are_told_the_default_address()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create(["--ASPIRE_DASHBOARD_PATH=/nowhere/aspire-managed"], (options, _) => options.DisableDashboard = false);
        builder.AddTestApp("front").WithHttpHealthCheck("/health").WithOtlpExporter();
        await using var app = await builder.BuildAsync(TestApp.Patience);
        await app.StartAsync(TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("front", TestApp.Patience);

        var variables = await TestApp.EnvironmentOfAsync(app, "front");

        Assert.Equal("http://localhost:18889", variables["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("grpc", variables["OTEL_EXPORTER_OTLP_PROTOCOL"]);
        Assert.Equal("front", variables["OTEL_SERVICE_NAME"]);
        Assert.Matches("^service.instance.id=[a-z0-9]+$", variables["OTEL_RESOURCE_ATTRIBUTES"]);
        Assert.DoesNotContain(app.Services.GetRequiredService<DistributedApplicationModel>().Resources, r => r.Name == "aspire-dashboard");
    }

    private static DashboardFinder Finder(params string[] settings)
    {
        var configuration = new ConfigurationManager();
        foreach (var pair in settings.Chunk(2))
        {
            configuration[pair[0]] = pair[1];
        }

        return new DashboardFinder(configuration, new DashboardInstaller(NullLogger<DistributedApplication>.Instance, TimeProvider.System), new DashboardInstallChoice(false));
    }
}
