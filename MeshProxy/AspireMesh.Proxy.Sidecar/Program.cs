using System.Runtime.InteropServices;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Proxy;
using AspireMesh.Proxy.Interception;
using AspireMesh.Proxy.Sidecar;
using Microsoft.Extensions.Logging;

// The runtime reads these at the process's first socket: what waits for a socket goes on at once on the thread that found it ready, instead of a switch
// to the thread pool for each, and there is one such thread for every four cores, so that a small sidecar's work stays together. Nothing in a sidecar blocks
// these threads, and the process has no other tenant.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", Math.Clamp(Environment.ProcessorCount / 4, 1, 4).ToString(System.Globalization.CultureInfo.InvariantCulture));

// Exit codes: 0 ended when asked to; 1 broke; 2 was told nothing it can use; 3 was refused by the control plane or refuses its snapshot.
if (args is [RedirectCommand.Name, .. var redirect]) return await RedirectCommand.RunAsync(redirect, Console.Error);

using var loggers = LoggerFactory.Create(logging => logging.AddProvider(new LineLoggerProvider(Console.Error)));
using var stop = new CancellationTokenSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

if (!BootstrapFile.TryTake(out var bootstrap, out var error))
{
    Console.Error.WriteLine(error);
    return 2;
}

if (bootstrap.EndsWithInput) _ = EndWithInputAsync();

try
{
    await using var sidecar = new MeshSidecar(bootstrap, new MeshSidecarOptions { LoggerFactory = loggers, Seed = Environment.ProcessId, OwnsProcess = true });
    await sidecar.StartAsync(stop.Token);
    Console.Out.WriteLine($"aspiremesh-proxy ready: {bootstrap.Instance}");
    await Task.WhenAny(Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token), sidecar.HandedOver);
    // Asked to end while it finishes what it had handed over: then it is over now.
    await sidecar.StopAsync(sidecar.HandedOver.IsCompleted ? stop.Token : CancellationToken.None);
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0;
}
catch (MeshValidationException e)
{
    foreach (var problem in e.Problems) Console.Error.WriteLine(problem);
    return 3;
}
catch (Exception e) when (e is IOException or InvalidOperationException)
{
    Console.Error.WriteLine($"Sidecar '{bootstrap.Instance}': {e.Message}");
    return 1;
}

async Task EndWithInputAsync()
{
    await using var input = Console.OpenStandardInput();
    while (await input.ReadAsync(new byte[16]) > 0) continue;
    await stop.CancelAsync();
}

void Stop(PosixSignalContext context)
{
    // The runtime would end the process at once; running requests finish first.
    context.Cancel = true;
    stop.Cancel();
}
