using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Imports;

/// <summary>Toxiproxy's toxics by their names and attributes, as our faults. A toxic works on bytes, so its fault is one of the connection.</summary>
public static class ToxicNames
{
    /// <summary>The names that are known.</summary>
    public static IReadOnlyList<string> All { get; } = ["latency", "down", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"];

    /// <summary>The fault and activation of a toxic.</summary>
    /// <param name="name">For example <c>latency</c>.</param>
    /// <param name="attributes">Its attributes: <c>latency</c>, <c>jitter</c>, <c>delay</c> and <c>timeout</c> in milliseconds, <c>rate</c> in KB/s, <c>bytes</c>, <c>average_size</c>.</param>
    /// <param name="toxicity">Share of connections, 0 to 1. Default 1.</param>
    /// <param name="stream"><c>upstream</c> (what the client sends) or <c>downstream</c>. Default downstream.</param>
    /// <exception cref="MeshValidationException">There is no such toxic, or a value cannot be used; carries every reason.</exception>
    public static (Fault Fault, FaultActivation Activation) Read(string name, IReadOnlyDictionary<string, double> attributes, double toxicity = 1, string stream = "downstream")
    {
        ArgumentNullException.ThrowIfNull(attributes);
        var problems = new ProblemList();
        if (!All.Contains(name)) problems.Add(MeshDiagnostics.BadImport, $"The toxic '{name}' is not known. Use one of: {string.Join(", ", All)}.");
        if (stream is not ("upstream" or "downstream")) problems.Add(MeshDiagnostics.BadImport, $"The toxic '{name}' has the stream '{stream}'. Write upstream or downstream.");
        problems.Range($"The toxic '{name}'", "toxicity", toxicity, 0, 1);
        foreach (var (attribute, value) in attributes.Where(a => a.Value < 0)) problems.Add(MeshDiagnostics.BadImport, $"The toxic '{name}' has {attribute} {value}. Write a value from 0.");
        problems.ThrowIfAny();
        var fault = Fault(name, attributes) with { Direction = stream == "upstream" ? "request" : "response" };
        return (fault, new FaultActivation { Percent = toxicity * 100 });
    }

    private static Fault Fault(string name, IReadOnlyDictionary<string, double> attributes)
    {
        return name switch
        {
            "latency" => new Fault { Kind = FaultKinds.Delay, Delay = Time("latency"), Jitter = Time("jitter"), Distribution = Number("jitter") > 0 ? "uniform" : "fixed" },
            "down" => new Fault { Kind = FaultKinds.Refuse },
            "bandwidth" => new Fault { Kind = FaultKinds.Bandwidth, BytesPerSecond = (long)(Number("rate") * 1000) },
            "slow_close" => new Fault { Kind = FaultKinds.SlowClose, Delay = Time("delay") },
            // A timeout of 0 never closes: the data is lost and the connection stays.
            "timeout" => new Fault { Kind = FaultKinds.BlackHole, Delay = Time("timeout") },
            "reset_peer" => new Fault { Kind = FaultKinds.Reset, Delay = Time("timeout") },
            "slicer" => new Fault { Kind = FaultKinds.Slicer, Bytes = (long)Number("average_size"), Delay = TimeSpan.FromMicroseconds(Number("delay")) },
            _ => new Fault { Kind = FaultKinds.ByteLimit, Bytes = (long)Number("bytes") },
        };

        double Number(string attribute) => attributes.TryGetValue(attribute, out var value) ? value : 0;
        TimeSpan Time(string attribute) => TimeSpan.FromMilliseconds(Number(attribute));
    }
}
