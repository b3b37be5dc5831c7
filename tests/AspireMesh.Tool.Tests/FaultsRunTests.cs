using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using AspireMesh.Chaos;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;
using AspireMesh.Host.Tests.WholeMesh;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Model;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Tool.Tests;

/// <summary>Experiments from files, against a real control plane and real sidecars.</summary>
public sealed class FaultsRunTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aspiremesh-experiments-").FullName;
    private RealMesh? _mesh;

    private RunFile Run => new() { AppHost = "shop", Pid = Environment.ProcessId, Admin = _mesh!.Control.AdminAddress, Token = _mesh.Control.AdminToken };

    [Fact]
    public async Task A_hypothesis_that_holds_exits_0_and_leaves_journal_JUnit_and_report()
    {
        await StartAsync(retries: 3);

        var (code, output, error) = await RunAsync(Experiment(requests: 12), "--journal", File("journal.json"), "--junit", File("junit.xml"), "--markdown", File("report.md"));

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("Held", output);
        using var journal = JsonDocument.Parse(await System.IO.File.ReadAllTextAsync(File("journal.json")));
        var sequence = journal.RootElement.GetProperty("decisions").GetProperty("sequences")[0];
        // A third attempt for every fourth: each call that is hit is sent again, and that attempt has an ordinal of its own.
        Assert.Equal(("broken", "web->api.http"), (sequence.GetProperty("fault").GetString(), sequence.GetProperty("edge").GetString()));
        var verdicts = sequence.GetProperty("verdicts").GetString()!;
        Assert.Equal(12, verdicts.Count(v => v == '.'));
        Assert.Equal(verdicts, string.Concat(Enumerable.Range(1, verdicts.Length).Select(n => n % 3 == 0 ? 'x' : '.')));
        Assert.Equal("0", XDocument.Load(File("junit.xml")).Root!.Element("testsuite")!.Attribute("failures")!.Value);
        Assert.Contains("| abort | web -> api | " + verdicts.Count(v => v == 'x').ToString(CultureInfo.InvariantCulture), await System.IO.File.ReadAllTextAsync(File("report.md")));
        Assert.Empty(_mesh!.Control.Faults);
    }

    [Fact]
    public async Task Without_the_policy_that_protects_it_the_same_file_exits_1_and_says_what_was_found()
    {
        await StartAsync(retries: 0);

        var (code, output, _) = await RunAsync(Experiment(requests: 12));

        Assert.Equal(1, code);
        Assert.Contains("Failed", output);
        Assert.Contains("66.67 % of 12 calls", output);
        Assert.Empty(_mesh!.Control.Faults);
    }

    [Fact]
    public async Task The_same_seed_and_number_of_requests_give_byte_identical_decisions_three_times_over()
    {
        await StartAsync(retries: 0);
        var document = Experiment(requests: 60) with
        {
            Seed = 2026,
            Load = Experiment(60).Load! with { Concurrency = 6 },
            Hypothesis = [new ClaimDocument { Kind = ClaimKind.Fires, AtLeast = 1 }],
            Steps =
            [
                new StepDocument { Inject = new InjectDocument { Id = "some", From = "web", To = "api", Fault = Faults.Abort(503), Activation = new() { Percent = 30 } } },
                new StepDocument { Inject = new InjectDocument { Id = "others", From = "web", To = "api", Fault = Faults.Delay(TimeSpan.FromMilliseconds(1)), Activation = new() { Percent = 40 } } },
            ],
        };

        var decisions = new List<string>();
        var verdicts = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            await using var session = ChaosSession.Open(Run);
            var result = await Chaos.Experiments.Experiment.From(document).RunAsync(session);
            Assert.Equal(60, result.Decisions.Single(d => d.Fault == "some").Requests);
            using var journal = JsonDocument.Parse(ExperimentReport.ToJournal(result));
            decisions.Add(journal.RootElement.GetProperty("decisions").GetRawText());
            verdicts.Add(result.Decisions.Single(d => d.Fault == "some").Decisions);
        }

        Assert.Equal(decisions[0], decisions[1]);
        Assert.Equal(decisions[0], decisions[2]);
        Assert.Contains('x', verdicts[0]);
        Assert.Contains('.', verdicts[0]);
    }

    [Fact]
    public async Task An_edge_is_watched_instead_of_called_and_its_figures_are_judged()
    {
        await StartAsync(retries: 0);
        using var ended = new CancellationTokenSource();
        var traffic = CallUntilAsync(ended.Token);
        var document = Experiment(1) with
        {
            Load = new LoadDocument { Observe = new ObserveDocument { From = "web", To = "api", Time = TimeSpan.FromSeconds(2), Steady = TimeSpan.FromSeconds(1) } },
            Hypothesis = [new ClaimDocument { Kind = ClaimKind.SuccessRate, AtMost = 0.9 }, new ClaimDocument { Kind = ClaimKind.Edge, From = "web", To = "api", Figure = "requests", AtLeast = 1 }],
        };

        await using var session = ChaosSession.Open(Run);
        var result = await Chaos.Experiments.Experiment.From(document).RunAsync(session);
        await ended.CancelAsync();
        await traffic;

        Assert.True(result.Verdict == Verdict.Held, ExperimentReport.ToMarkdown(result));
    }

    [Fact]
    public async Task A_process_that_is_killed_while_its_faults_are_in_force_leaves_none_behind()
    {
        await StartAsync(retries: 0);
        Directory.CreateDirectory(File("run"));
        await System.IO.File.WriteAllTextAsync(File("run/shop.json"), JsonSerializer.Serialize(Run, AdminJson.Default.RunFile));
        var document = Experiment(1) with { Steps = [.. Experiment(1).Steps, new StepDocument { Wait = TimeSpan.FromMinutes(30) }], BlastRadius = new BlastRadius { MaxTime = TimeSpan.FromHours(1) } };
        await System.IO.File.WriteAllTextAsync(File("long.json"), DocumentFormat.Write(document));
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "aspiremesh.dll"), "faults", "run", File("long.json")]);
        start.Environment[RunFile.DirectoryVariable] = File("run");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        using var process = Process.Start(start)!;
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (_mesh!.Control.Faults.IsEmpty && !process.HasExited) await look.WaitForNextTickAsync(limit.Token);
        Assert.False(process.HasExited, "the experiment ended before it was killed");

        process.Kill();
        await process.WaitForExitAsync(limit.Token);

        // Its time to live is five minutes; the lease of fifteen seconds is what ends it.
        while (!_mesh.Control.Faults.IsEmpty) await look.WaitForNextTickAsync(limit.Token);
        using var response = await _mesh.Client.GetAsync("/", limit.Token);
        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_bad_file_is_refused_with_every_place_that_is_wrong()
    {
        await StartAsync(retries: 0);
        await System.IO.File.WriteAllTextAsync(File("bad.json"), """
            { "name": "x", "load": { "url": "/cart", "requests": "many" }, "hypotesis": [], "steps": [ { "inject": { "to": "api", "fault": { "kind": "abort", "delay": "soon" } } }, { "wait": 5 } ] }
            """);

        var result = await ToolAsync("faults", "run", File("bad.json"), File("missing.json"));

        Assert.Equal(1, result.Code);
        foreach (var place in new[] { "bad.json: 'hypotesis' is not known here", "load.requests: found \"many\". Write a number", "steps[0].inject.fault.delay: found \"soon\"", "steps[1].wait: found 5", "missing.json' cannot be opened" }) Assert.Contains(place, result.Error);
    }

    public async ValueTask DisposeAsync()
    {
        if (_mesh is not null) await _mesh.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private ExperimentDocument Experiment(int requests) => new()
    {
        Name = "a third of the answers is lost",
        Load = new LoadDocument { Url = _mesh!.Client.BaseAddress!.ToString(), Requests = requests, Concurrency = 1, Steady = 2 },
        Hypothesis = [new ClaimDocument { Kind = ClaimKind.SuccessRate, AtLeast = 1 }, new ClaimDocument { Kind = ClaimKind.Fires, Fault = "broken", AtLeast = 4 }],
        Steps = [new StepDocument { Inject = new InjectDocument { Id = "broken", From = "web", To = "api", Fault = Faults.Abort(503), Activation = new() { EveryNth = 3 } } }],
    };

    private async Task StartAsync(int retries) => _mesh = await RealMesh.StartAsync(model => model with
    {
        ChaosEnabled = true,
        Edges = [.. model.Edges.Select(e => e with { Policies = new EdgePolicies { Retry = new RetryPolicy { MaxRetries = retries, BudgetRatio = 1 } } })],
    });

    private string File(string name) => Path.Combine(_folder, name);

    private async Task<ToolResult> RunAsync(ExperimentDocument document, params string[] options)
    {
        await System.IO.File.WriteAllTextAsync(File("experiment.json"), DocumentFormat.Write(document));
        return await ToolAsync(["faults", "run", File("experiment.json"), .. options]);
    }

    private async Task<ToolResult> ToolAsync(params string[] args)
    {
        Directory.CreateDirectory(File("run"));
        await System.IO.File.WriteAllTextAsync(File("run/shop.json"), JsonSerializer.Serialize(Run, AdminJson.Default.RunFile));
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await MeshTool.RunAsync(args, new ToolTerminal(output, error, redirected: true, runDirectory: File("run")), CancellationToken.None);
        return new ToolResult(code, output.ToString(), error.ToString());
    }

    private async Task CallUntilAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            using var response = await _mesh!.Client.GetAsync("/", CancellationToken.None);
        }
    }
}
