using AspireMesh.Chaos;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;
using AspireMesh.Host.Tests.WholeMesh;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;
using AspireMesh.TestKit;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Configurations;
using DotNet.Testcontainers.Containers;
using DotNet.Testcontainers.Images;

namespace AspireMesh.Containers.Tests;

/// <summary>A server in a container that Testcontainers starts, behind two real sidecars, with faults between. Its image is made here: no registry is asked.</summary>
public sealed class FaultsIntoContainersTests : IAsyncDisposable
{
    private const string Image = "aspiremesh-testcontainers-box:1";
    private IContainer? _container;
    private RealMesh? _mesh;

    [Fact]
    public async Task An_untouched_client_of_a_container_sees_the_fault_and_only_where_it_matches()
    {
        await StartAsync(retries: 0);
        Assert.Equal(BoxImage.Text, await _mesh!.Client.GetStringAsync("/"));

        await using (var session = ChaosSession.Open(Run))
        {
            await session.InjectAsync(ChaosEdge.Between("web", "api"), Faults.Abort(503), o => o.OnPath("/other"));
            Assert.Equal(BoxImage.Text, await _mesh.Client.GetStringAsync("/"));
            using var hit = await _mesh.Client.GetAsync("/other/page");
            Assert.Equal(503, (int)hit.StatusCode);
            await session.InjectAsync(ChaosEdge.Between("web", "api"), Faults.Reset());
            using var cut = await _mesh.Client.GetAsync("/");
            Assert.True((int)cut.StatusCode is 502 or 503, $"{(int)cut.StatusCode}");
        }

        Assert.Equal(BoxImage.Text, await _mesh.Client.GetStringAsync("/"));
    }

    [Theory]
    [InlineData(3, Verdict.Held)]
    [InlineData(0, Verdict.Failed)]
    public async Task A_container_that_fails_now_and_then_is_not_noticed_as_long_as_there_are_retries(int retries, Verdict verdict)
    {
        await StartAsync(retries);
        var document = new ExperimentDocument
        {
            Name = "the box is asked again",
            Load = new LoadDocument { Url = _mesh!.Client.BaseAddress!.ToString(), Requests = 20, Concurrency = 1, Steady = 3, Expect = new Tolerance { BodyMatches = BoxImage.Text } },
            Hypothesis = [new ClaimDocument { Kind = ClaimKind.SuccessRate, AtLeast = 1 }, new ClaimDocument { Kind = ClaimKind.Fires, AtLeast = 5 }],
            Steps = [new StepDocument { Inject = new InjectDocument { Id = "lost", To = "api", Fault = Faults.Abort(503), Activation = new() { EveryNth = 4 } } }],
        };

        await using var session = ChaosSession.Open(Run);
        var result = await Experiment.From(document).RunAsync(session);

        Assert.True(result.Verdict == verdict, ExperimentReport.ToMarkdown(result));
    }

    public async ValueTask DisposeAsync()
    {
        if (_mesh is not null) await _mesh.DisposeAsync();
        if (_container is not null) await _container.DisposeAsync();
    }

    private RunFile Run => new() { AppHost = "shop", Pid = Environment.ProcessId, Admin = _mesh!.Control.AdminAddress, Token = _mesh.Control.AdminToken };

    private async Task StartAsync(int retries)
    {
        await ImportImageAsync();
        // Its own tidying container would have to come from a registry; the container ends with the test.
        TestcontainersSettings.ResourceReaperEnabled = false;
        _container = new ContainerBuilder(Image).WithImagePullPolicy(PullPolicy.Never)
            .WithEntrypoint(BoxImage.Command[0]).WithCommand([.. BoxImage.Command.Skip(1)])
            .WithAutoRemove(true).WithCleanUp(false).Build();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await _container.StartAsync(limit.Token);
        _mesh = await RealMesh.StartAsync(model => model with
        {
            ChaosEnabled = true,
            Edges = [.. model.Edges.Select(e => e with { Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = retries, BudgetRatio = 1 } } })],
        });
        _mesh.Control.SetAppAddress("api", "api", "http", $"{_container.IpAddress}:80");
        await _mesh.Control.WaitForFaultsAsync(limit.Token);
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await TextAsync() != BoxImage.Text) await look.WaitForNextTickAsync(limit.Token);
    }

    private async Task<string> TextAsync()
    {
        using var response = await _mesh!.Client.GetAsync("/");
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task ImportImageAsync()
    {
        if (await BoxImage.ImportAsync(Image) is { } problem) Assert.Skip(problem);
        // An engine refuses a client that is newer than itself.
        Environment.SetEnvironmentVariable("DOCKER_API_VERSION", (await BoxImage.DockerAsync(Stream.Null, "version", "--format", "{{.Server.APIVersion}}")).Trim());
    }
}
