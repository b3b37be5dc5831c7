using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>Two proxies with mutual TLS between them, ended with their children when disposed.</summary>
internal sealed class ProxyPair(string name, int port, IReadOnlyList<Process> processes, Func<ValueTask>? stop = null) : IAsyncDisposable
{
    private static readonly double TicksPerSecond = 100;

    public string Name => name;

    /// <summary>Where the caller's side listens.</summary>
    public int Port => port;

    /// <summary>CPU seconds of both proxies with their workers, so far.</summary>
    public double CpuSeconds() => Family().Sum(CpuSecondsOf);

    /// <summary>Keeps every thread of both, with their workers, on one core.</summary>
    public void Pin(int core)
    {
        foreach (var pid in Family().ToArray()) Pin(pid, core);
    }

    /// <summary>Likewise one process.</summary>
    public static void Pin(int pid, int core)
    {
        using var taskset = Process.Start(new ProcessStartInfo("taskset", ["--all-tasks", "--cpu-list", "--pid", $"{core}", $"{pid}"]) { RedirectStandardOutput = true }) ?? throw new InvalidOperationException("taskset could not be started");
        taskset.StandardOutput.ReadToEnd();
        taskset.WaitForExit();
        if (taskset.ExitCode != 0) throw new InvalidOperationException($"taskset ended with exit code {taskset.ExitCode}");
    }

    /// <summary>Resident memory of both with their workers, MB.</summary>
    public double ResidentMb() => Family().Sum(pid => Status(pid, "VmRSS:")) / 1024.0;

    /// <summary>Waits until the caller's side takes connections.</summary>
    public async Task ReadyAsync()
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var http = new HttpClient();
                using var answer = await http.GetAsync($"http://127.0.0.1:{port}/");
                if (answer.IsSuccessStatusCode) return;
                if (patience.Elapsed > TimeSpan.FromSeconds(20)) throw new InvalidOperationException($"{name} answers {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            }
            catch (Exception error) when (error is HttpRequestException or SocketException && patience.Elapsed < TimeSpan.FromSeconds(20))
            {
                if (processes.FirstOrDefault(p => p.HasExited) is { } dead) throw new InvalidOperationException($"a proxy of {name} ended with exit code {dead.ExitCode}");
            }
            await Task.Delay(50);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
        if (stop is not null) await stop();
    }

    public static Process Start(string file, params string[] arguments) => Start(file, [], arguments);

    public static Process Start(string file, Dictionary<string, string> environment, params string[] arguments)
    {
        var info = new ProcessStartInfo(file, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var (key, value) in environment) info.Environment[key] = value;
        var process = Process.Start(info) ?? throw new InvalidOperationException($"{file} could not be started");
        process.ErrorDataReceived += (_, line) => Log(line.Data);
        process.OutputDataReceived += (_, line) => Log(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    private static void Log(string? line)
    {
        if (line is not null && Environment.GetEnvironmentVariable("PAIR_VERBOSE") == "1") Console.Error.WriteLine(line);
    }

    private IEnumerable<int> Family()
    {
        var roots = processes.Where(p => !p.HasExited).Select(p => p.Id).ToHashSet();
        foreach (var folder in Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            var pid = int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
            if (roots.Contains(pid) || roots.Contains((int)Status(pid, "PPid:"))) yield return pid;
        }
    }

    private static double CpuSecondsOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static long Status(int pid, string key)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[key.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
