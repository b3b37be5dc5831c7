using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Admin;

namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>The shop, however it was started: a process that runs all of it until it is asked to end, with a run folder of its own, on ports nobody else has.</summary>
internal abstract partial class RunningShop : IAsyncDisposable
{
    public const string MarkVariable = "SHOP_TEST_RUN";
    public const string PostgresPassword = "end-to-end";
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();
    private readonly TaskCompletionSource<string> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string runFolder = Directory.CreateTempSubdirectory("aspiremesh-run-").FullName;

    protected RunningShop(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.RedirectStandardInput = true;
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment[RunFile.DirectoryVariable] = runFolder;
        start.Environment[MarkVariable] = Mark;
        process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Exited = process.WaitForExitAsync();
    }

    /// <summary>The value of <see cref="MarkVariable"/> in every process this run started that inherits its environment.</summary>
    public string Mark { get; } = Guid.NewGuid().ToString("n");

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

    /// <summary>What the ready line says of how it was started.</summary>
    public abstract IReadOnlyList<string> Announced { get; }

    /// <summary>Processes this run started that are still there, the first one included.</summary>
    public abstract IReadOnlyList<(int Pid, string Command)> Processes();

    /// <summary>The processes of a workload's sidecars, where they have their own.</summary>
    public abstract int[] Sidecars(string workload);

    /// <summary>What makes a program run where a workload does, so that the loopback addresses of its sidecar are that program's too: words before the program's own.</summary>
    public virtual string[] Beside(string workload) => [];

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

    public virtual async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            if (OperatingSystem.IsWindows()) process.Kill(entireProcessTree: true);
            else Signals.SendTerminate(Pid);
            if (await Task.WhenAny(Exited, Task.Delay(StopPatience)) != Exited) process.Kill(entireProcessTree: true);
        }

        await File.WriteAllTextAsync(Path.Combine(Repository.Results, $"shop-{Mark}.log"), Output);
        Directory.Delete(runFolder, recursive: true);
        process.Dispose();
    }

    /// <summary>Waits for the ready line.</summary>
    protected async Task ReadyAsync()
    {
        try
        {
            var first = await Task.WhenAny(ready.Task, Exited, Task.Delay(StartPatience));
            if (first != ready.Task) throw new InvalidOperationException($"The shop {(first == Exited ? $"ended with {ExitCode}" : $"was not ready within {StartPatience}")}.{Environment.NewLine}{Output}");
            ReadAddresses();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
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
