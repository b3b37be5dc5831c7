using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>The shop's AppHost as a process of its own, with a run folder of its own, on ports nobody else has.</summary>
internal sealed partial class RunningShop : IAsyncDisposable
{
    public const string MarkVariable = "SHOP_TEST_RUN";
    public const string PostgresPassword = "end-to-end";
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();
    private readonly TaskCompletionSource<string> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string runFolder;

    private RunningShop(ProcessStartInfo start, string runFolder, string mark)
    {
        this.runFolder = runFolder;
        Mark = mark;
        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Exited = process.WaitForExitAsync();
    }

    /// <summary>The value of <see cref="MarkVariable"/> in every process this run started.</summary>
    public string Mark { get; }

    public int Pid => process.Id;

    public int ExitCode => process.ExitCode;

    public Task Exited { get; }

    /// <summary>The line "AspireMesh ready: …".</summary>
    public string ReadyLine => ready.Task.Result;

    /// <summary>The shop's page, through the mesh's gateway.</summary>
    public Uri Page { get; private set; } = null!;

    /// <summary>The dashboard with its login token; null when it did not start.</summary>
    public Uri? Dashboard { get; private set; }

    public string Output => string.Join(Environment.NewLine, output);

    /// <summary>Starts the shop and waits for its ready line.</summary>
    public static async Task<RunningShop> StartAsync(SidecarMode mode, params string[] arguments)
    {
        Machine.NeedNode();
        var mark = Guid.NewGuid().ToString("n");
        var runFolder = Directory.CreateTempSubdirectory("aspiremesh-run-").FullName;
        var start = new ProcessStartInfo("dotnet", [Repository.AppHost, "--DcpPublisher:RandomizePorts=true", "--Logging:LogLevel:Resources=Debug", $"--Mesh:SidecarHosting={(mode == SidecarMode.Shared ? "Shared" : "PerWorkload")}", .. arguments])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "playground", "Shop.AppHost"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        // The dashboard asks neither for a login nor for keys, so that its telemetry API can be read.
        start.Environment["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true";
        start.Environment["Parameters__postgres-password"] = PostgresPassword;
        start.Environment[RunFile.DirectoryVariable] = runFolder;
        start.Environment[MarkVariable] = mark;
        // Both builds of the sidecar are exercised: CI names the one made ahead of time, the ordinary build is used elsewhere.
        if (mode == SidecarMode.PerWorkload && Environment.GetEnvironmentVariable("ASPIREMESH_PROXY") is null) start.Environment["ASPIREMESH_PROXY"] = Repository.Proxy;

        var shop = new RunningShop(start, runFolder, mark);
        try
        {
            var first = await Task.WhenAny(shop.ready.Task, shop.Exited, Task.Delay(StartPatience));
            if (first != shop.ready.Task) throw new InvalidOperationException($"The shop {(first == shop.Exited ? $"ended with {shop.ExitCode}" : $"was not ready within {StartPatience}")}.{Environment.NewLine}{shop.Output}");
            shop.ReadAddresses();
            return shop;
        }
        catch
        {
            await shop.DisposeAsync();
            throw;
        }
    }

    /// <summary><c>aspiremesh ARGUMENTS</c> against this run.</summary>
    public Task<ProgramRun> MeshAsync(params string[] arguments) =>
        ProgramRun.RunAsync("dotnet", new Dictionary<string, string> { [RunFile.DirectoryVariable] = runFolder }, [Repository.Tool, .. arguments]);

    /// <summary><c>aspiremesh status --json</c>.</summary>
    public async Task<MeshStatus> StatusAsync()
    {
        var run = await MeshAsync("status", "--json");
        Assert.True(run.ExitCode == 0, run.ToString());
        return JsonSerializer.Deserialize(run.Output, MeshJson.Default.MeshStatus)!;
    }

    /// <summary>The run files there are.</summary>
    public string[] RunFiles() => Directory.GetFiles(runFolder);

    /// <summary>Processes this run started that are still there, the AppHost itself included.</summary>
    public IReadOnlyList<(int Pid, string Command)> Processes() => ProcessTable.With(MarkVariable, Mark);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
            else Signals.SendTerminate(Pid);
            if (await Task.WhenAny(Exited, Task.Delay(StopPatience)) != Exited) process.Kill(entireProcessTree: true);
        }

        await File.WriteAllTextAsync(Path.Combine(Repository.Results, $"apphost-{Mark}.log"), Output);
        Directory.Delete(runFolder, recursive: true);
        process.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null) return;
        output.Enqueue(line);
        if (line.Contains("AspireMesh ready:", StringComparison.Ordinal)) ready.TrySetResult(line);
    }

    private void ReadAddresses()
    {
        var urls = UrlPattern().Matches(ReadyLine).ToDictionary(m => m.Groups["name"].Value, m => new Uri(m.Groups["url"].Value));
        Dashboard = urls.GetValueOrDefault("dashboard");
        Page = urls.TryGetValue("frontend", out var page) ? page : throw new InvalidOperationException($"The ready line names no address of 'frontend': {ReadyLine}");
    }

    [GeneratedRegex(@"(?<name>[\w-]+)[ =:]+(?<url>https?://[^\s,;]+)")]
    private static partial Regex UrlPattern();
}

/// <summary>The two ways of hosting sidecars.</summary>
public enum SidecarMode
{
    Shared,
    PerWorkload,
}
