using System.Globalization;
using System.Text.Json.Nodes;
using AspireMesh.Chaos.Documents;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Imports;

/// <summary>The actions of the Chaos Toolkit's extensions for Istio, Toxiproxy and Kubernetes that have a fault or a process step of ours.</summary>
internal static class ToolkitActions
{
    private static readonly string[] Undoing =
        ["remove_delay_fault", "remove_abort_fault", "unset_fault", "delete_toxic", "reset", "enable_proxy", "create_proxy", "rollout_restart"];

    private static readonly Dictionary<string, string> Toxics = new()
    {
        ["create_latency_toxic"] = "latency",
        ["create_bandwith_degradation_toxic"] = "bandwidth",
        ["create_slow_connection_close_toxic"] = "slow_close",
        ["create_timeout_toxic"] = "timeout",
        ["create_slicer_toxic"] = "slicer",
        ["create_limiter_toxic"] = "limit_data",
        ["disable_proxy"] = "down",
        ["down"] = "down",
    };

    private static readonly Dictionary<string, string> AttributeNames = new() { ["bytes_limit"] = "bytes", ["avg_size"] = "average_size" };

    /// <summary>Whether a function only undoes what the actions here do.</summary>
    public static bool IsUndoing(string? function) => function is not null && Undoing.Contains(function);

    public static StepDocument? Read(JsonNode? activity, string place, ProblemList problems)
    {
        var (function, arguments) = (ChaosToolkit.Text(activity, "provider", "func"), (activity as JsonObject)?["provider"]?["arguments"] as JsonObject ?? []);
        switch (function)
        {
            case "add_abort_fault":
                return Inject(Callee(arguments, "virtual_service_name"), Faults.Abort((int)Number(arguments, "http_status", 503)), Share(arguments));
            case "add_delay_fault" when DurationJson.TryParse(ChaosToolkit.Text(arguments, "fixed_delay") ?? "", out var delay):
                return Inject(Callee(arguments, "virtual_service_name"), Faults.Delay(delay), Share(arguments));
            case "create_toxic":
                return Toxic(ChaosToolkit.Text(arguments, "toxic_type") ?? "", arguments, arguments["attributes"] as JsonObject ?? [], place, problems);
            case not null when Toxics.TryGetValue(function, out var toxic):
                return Toxic(toxic, arguments, arguments, place, problems);
            case "terminate_pods" or "delete_pods":
                var name = ChaosToolkit.Text(arguments, "label_selector") is { } labels && labels.StartsWith("app=", StringComparison.Ordinal) ? labels[4..] : ChaosToolkit.Text(arguments, "name_pattern") ?? ChaosToolkit.Text(arguments, "name");
                if (name is not null) return new StepDocument { Process = new ProcessDocument { Action = ProcessAction.Kill, Resource = name, Instance = ChaosToolkit.Text(arguments, "all") == "true" ? null : 0 } };
                break;
        }
        problems.Add(MeshDiagnostics.BadImport, $"{place} '{ChaosToolkit.Text(activity, "name")}' calls {ChaosToolkit.Text(activity, "provider", "module") ?? ChaosToolkit.Text(activity, "provider", "type")} {function}, which has no fault of ours. Remove it, or write a step of ours.");
        return null;
    }

    private static StepDocument? Toxic(string name, JsonObject arguments, JsonObject attributes, string place, ProblemList problems)
    {
        var numbers = attributes.Where(a => a.Value is JsonValue v && double.TryParse(v.ToString(), CultureInfo.InvariantCulture, out _))
            .ToDictionary(a => AttributeNames.GetValueOrDefault(a.Key, a.Key), a => double.Parse(a.Value!.ToString(), CultureInfo.InvariantCulture));
        try
        {
            var (fault, activation) = ToxicNames.Read(name, numbers, Number(arguments, "toxicity", 1), ChaosToolkit.Text(arguments, "stream") ?? "downstream");
            return Inject(Callee(arguments, "for_proxy") ?? Callee(arguments, "proxy_name"), fault, activation);
        }
        catch (MeshValidationException e)
        {
            foreach (var problem in e.Problems) problems.Add(MeshDiagnostics.BadImport, $"{place}: {problem.Message}");
            return null;
        }
    }

    private static StepDocument Inject(string? callee, Fault fault, FaultActivation activation) => new() { Inject = new InjectDocument { To = callee, Fault = fault, Activation = activation } };

    private static string? Callee(JsonObject arguments, string name) => ChaosToolkit.Text(arguments, name);

    private static FaultActivation Share(JsonObject arguments) => new() { Percent = Number(arguments, "percentage", 100) };

    private static double Number(JsonObject arguments, string name, double usual) =>
        double.TryParse(ChaosToolkit.Text(arguments, name), CultureInfo.InvariantCulture, out var value) ? value : usual;
}
