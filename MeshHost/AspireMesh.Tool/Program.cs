using AspireMesh.Tool;

using var cancel = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    // The command ends in its own way (a tap says what it has seen, serve closes its ports).
    e.Cancel = true;
    cancel.Cancel();
};
using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    cancel.Cancel();
});
return await MeshTool.RunAsync(args, new ToolTerminal(Console.Out, Console.Error, Console.IsOutputRedirected), cancel.Token);
