using System.Runtime.InteropServices;
using Garnet;

// A real Redis-protocol server without a container engine. The AppHost says which port to take.
var port = Environment.GetEnvironmentVariable("CACHE_PORT") ?? "6390";
using var server = new GarnetServer(["--port", port, "--bind", "127.0.0.1", "--memory", "64m", "--page", "1m", "--index", "1m", .. args]);
server.Start();
Console.WriteLine($"The cache listens on 127.0.0.1:{port}.");

using var stopped = new ManualResetEventSlim();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
stopped.Wait();

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stopped.Set();
}
