using System.Collections.Concurrent;
using System.Text.Json;
using AspireMesh.Protocol.Admin;
using AspireMesh.Rehearsal.Pods;

namespace AspireMesh.Rehearsal.Tests;

[Collection(RehearsalCollection.Name)]
public class RehearsalTests
{
    [Fact]
    public async Task Pods_run_join_by_their_tokens_and_call_each_other_only_where_there_is_a_reference()
    {
        var problem = await PodNetwork.ProblemAsync();
        Assert.SkipWhen(problem is not null, $"no rehearsal here: {problem}");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        var folder = Prepare();
        var lines = new ConcurrentQueue<string>();
        try
        {
            await using var rehearsal = await ChartRehearsal.StartAsync(Options(folder, lines.Enqueue), limit.Token);
            await Waited(rehearsal.WaitReadyAsync(limit.Token), lines);

            Assert.Equal(["api-0", "api-1", "aspiremesh-control-plane-0", "aspiremesh-control-plane-1", "stranger-0", "web-0"], rehearsal.Pods.Select(p => p.Pod).Order());
            using var http = new HttpClient();
            var web = Assert.Single(rehearsal.Outside).Address;
            Assert.StartsWith("hello from api", await http.GetStringAsync($"http://{web}/call/API_HTTP", limit.Token));

            // Around the mesh: plaintext to an inbound port gets nothing.
            var round = await http.GetAsync($"http://{web}/call/ROUND_THE_MESH", limit.Token);
            Assert.False(round.IsSuccessStatusCode);

            using var admin = new MeshAdminClient(new RunFile { AppHost = "pair", Pid = Environment.ProcessId, Admin = rehearsal.Admin.Address, Token = rehearsal.Admin.Token! });
            await Waited(UntilHealthyAsync(admin, limit.Token), lines);
            var status = await admin.GetStatusAsync(limit.Token);
            Assert.Equal(4, status.Workloads.Length);
            Assert.All(status.Workloads, w => Assert.StartsWith("spiffe://pair.mesh/ns/pair/sa/", w.Identity));
            Assert.Contains("requests and limits of resources are not enforced", rehearsal.Differences);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        Assert.DoesNotContain(await Namespaces(), n => n.StartsWith($"amr{Environment.ProcessId}-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_image_that_nothing_is_known_of_is_named_and_its_pods_are_left_out()
    {
        var folder = Prepare(known: ["api"]);
        try
        {
            var manifests = Reading.ManifestFolder.Read(Options(folder, _ => { }));
            var images = await Reading.ContainerPrograms.FindAsync(manifests, Options(folder, _ => { }));

            Assert.Equal(["pair/app"], images.Unknown);
            Assert.Contains("the image 'pair/app' is not run, since rehearse.json does not say what it is made of", Differences.Of(manifests, images, []));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_folder_without_manifests_is_refused_with_the_line_to_type()
    {
        var empty = Directory.CreateTempSubdirectory("aspiremesh-nothing-");
        var refused = await Assert.ThrowsAsync<Protocol.Diagnostics.MeshValidationException>(() => ChartRehearsal.StartAsync(Options(empty.FullName, _ => { }), CancellationToken.None));
        empty.Delete();

        Assert.Contains("aspiremesh rehearse out/", refused.Message);
    }

    internal static RehearsalOptions Options(string folder, Action<string> output) => new()
    {
        Folder = folder,
        Namespace = "pair",
        Proxy = ["dotnet", Programs.Proxy],
        Tool = ["dotnet", Programs.Tool],
        Output = output,
        RunDirectory = "",
    };

    internal static string Prepare(string[]? known = null)
    {
        var folder = Directory.CreateTempSubdirectory("aspiremesh-pair-").FullName;
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Manifests", "pair.yaml"), Path.Combine(folder, "pair.yaml"));
        var workloads = (known ?? ["api", "web", "stranger"]).Select(c => new { name = c, container = c, command = "dotnet", arguments = new[] { Programs.App } });
        File.WriteAllText(Path.Combine(folder, "rehearse.json"), JsonSerializer.Serialize(new { workloads }));
        return folder;
    }

    private static async Task UntilHealthyAsync(MeshAdminClient admin, CancellationToken cancellationToken)
    {
        while (!(await admin.CheckAsync(cancellationToken)).Healthy) await Task.Delay(100, cancellationToken);
    }

    internal static async Task Waited(Task task, IEnumerable<string> lines)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Waited in vain. The pods said:\n{string.Join("\n", lines.TakeLast(80))}");
        }
    }

    private static async Task<string[]> Namespaces() => (await Shell.TryAsync("ip", "netns", "list")).Text.Split('\n');
}

/// <summary>One rehearsal at a time in a process: a rehearsal is known by its process.</summary>
[CollectionDefinition(Name)]
public sealed class RehearsalCollection
{
    public const string Name = "rehearsals";
}
