using System.Globalization;
using System.Security.Cryptography;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Model;
using Microsoft.Extensions.DependencyInjection;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>Commands on a called resource that put the usual faults on the calls to it, and one that takes every fault out. There only where chaos is allowed.</summary>
internal static class ChaosCommands
{
    /// <summary>Names the command that delays calls.</summary>
    public const string DelayName = "mesh-fault-delay";

    /// <summary>Names the command that answers calls with a status.</summary>
    public const string FailName = "mesh-fault-fail";

    /// <summary>Names the command that cuts connections.</summary>
    public const string CutName = "mesh-fault-cut";

    /// <summary>Names the command that takes every fault out of the mesh.</summary>
    public const string ClearName = "mesh-fault-clear";

    private const string Caller = "caller", Milliseconds = "milliseconds", Status = "status", Percent = "percent", Seconds = "seconds", Any = "any";

    /// <summary>Gives each callee its commands.</summary>
    public static void Add(MeshModel model, IEnumerable<IResource> resources)
    {
        if (!model.ChaosEnabled) return;
        foreach (var resource in resources.ToArray())
        {
            string[] callers = [.. model.Edges.Where(e => e.To == resource.Name).Select(e => e.From).Distinct().Order(StringComparer.Ordinal)];
            if (callers.Length == 0) continue;
            resource.Annotations.Add(Fault(resource.Name, DelayName, "Delay calls", "Calls to this resource wait before they are forwarded.", "Timer", callers, [Number(Milliseconds, "Milliseconds", 500)],
                read => new Fault { Kind = FaultKinds.Delay, Delay = TimeSpan.FromMilliseconds(Math.Clamp(read(Milliseconds), 0, 86_400_000)) }));
            resource.Annotations.Add(Fault(resource.Name, FailName, "Fail calls", "Calls to this resource are answered with a status and do not reach it.", "ErrorCircle", callers, [Number(Status, "HTTP status", 503)],
                read => new Fault { Kind = FaultKinds.Abort, Status = (int)read(Status) }));
            resource.Annotations.Add(Fault(resource.Name, CutName, "Cut connections", "Connections to this resource are reset.", "PlugDisconnected", callers, [], _ => new Fault { Kind = FaultKinds.Reset }));
            resource.Annotations.Add(Clear());
        }
    }

    private static ResourceCommandAnnotation Fault(string callee, string name, string shown, string description, string icon, string[] callers, InteractionInput[] settings, Func<Func<string, double>, Fault> make)
    {
        var choice = new InteractionInput
        {
            Name = Caller,
            Label = "Caller",
            InputType = InputType.Choice,
            Value = Any,
            Options = [.. callers.Prepend(Any).Select(c => KeyValuePair.Create(c, c))],
        };
        return Command(name, shown, description, icon, [choice, .. settings, Number(Percent, "Percent of calls", 100), Number(Seconds, "Seconds until it ends by itself", 300)], async (context, client) =>
        {
            var problems = new ProblemList();
            var caller = context.Arguments[Caller].Value is { Length: > 0 } and not Any ? context.Arguments[Caller].Value : null;
            if (caller is not null && !callers.Contains(caller)) problems.Add(MeshDiagnostics.NoEdge, $"'{caller}' has no reference to '{callee}'. Choose one of: {string.Join(", ", callers)}.");
            var fault = make(input => Read(context, input, problems));
            var (percent, seconds) = (Read(context, Percent, problems), Read(context, Seconds, problems));
            problems.Range($"The command '{name}'", Seconds, seconds, 1, 3600);
            problems.ThrowIfAny();
            var rule = new FaultRule
            {
                // Not one more for each replica that the command runs on; the same command again replaces what it put in.
                Id = $"dashboard-{fault.Kind}-{caller ?? Any}-{callee}",
                From = caller,
                To = callee,
                Fault = fault,
                Activation = new FaultActivation { Percent = percent },
                Seed = RandomNumberGenerator.GetInt32(int.MaxValue),
                ExpiresAt = context.Services.GetRequiredService<TimeProvider>().GetUtcNow() + TimeSpan.FromSeconds(seconds),
            };
            await client.AddFaultAsync(rule, context.CancellationToken);
            return string.Create(CultureInfo.InvariantCulture, $"{rule.Id}: {fault.Kind} on {caller ?? "every caller"} -> {callee}, {percent} %, {seconds:0} s, seed {rule.Seed}");
        });
    }

    private static ResourceCommandAnnotation Clear() => Command(ClearName, "Clear all faults", "Takes every fault out of the mesh, whoever put it in.", "Broom", [], async (context, client) =>
    {
        await client.RemoveFaultAsync(null, context.CancellationToken);
        return "no faults";
    });

    private static ResourceCommandAnnotation Command(string name, string shown, string description, string icon, InteractionInput[] arguments, Func<ExecuteCommandContext, MeshAdminClient, Task<string>> run) => new(
        name,
        shown,
        _ => ResourceCommandState.Enabled,
        async context =>
        {
            try
            {
                using var client = new MeshAdminClient(await context.Services.GetRequiredService<MeshAccess>().Run.WaitAsync(context.CancellationToken));
                return CommandResults.Success(await run(context, client));
            }
            catch (MeshValidationException e)
            {
                return CommandResults.Failure(e);
            }
        },
        description,
        arguments: arguments,
        confirmationMessage: null,
        iconName: icon,
        iconVariant: IconVariant.Regular,
        isHighlighted: false);

    private static InteractionInput Number(string name, string label, int usual) => new() { Name = name, Label = label, InputType = InputType.Number, Required = true, Value = usual.ToString(CultureInfo.InvariantCulture) };

    private static double Read(ExecuteCommandContext context, string name, ProblemList problems)
    {
        var text = context.Arguments[name].Value;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)) return value;
        problems.Add(MeshDiagnostics.BadArgument, $"{name} is '{text}'. Write a number.");
        return 0;
    }
}
