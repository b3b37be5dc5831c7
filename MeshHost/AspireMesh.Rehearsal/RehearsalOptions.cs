using System.Text.Json.Nodes;

namespace AspireMesh.Rehearsal;

/// <summary>What is rehearsed, and with what.</summary>
public sealed record RehearsalOptions
{
    /// <summary>A published chart, or a folder of plain manifests.</summary>
    public required string Folder { get; init; }

    /// <summary>The namespace it would be installed in. Default <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>The release's name; null for the chart's.</summary>
    public string? Release { get; init; }

    /// <summary>Values that win over the chart's own; null for none.</summary>
    public JsonObject? Values { get; init; }

    /// <summary>Program and arguments of the sidecar; empty when none was found.</summary>
    public IReadOnlyList<string> Proxy { get; init; } = [];

    /// <summary>Program and arguments of this tool.</summary>
    public IReadOnlyList<string> Tool { get; init; } = [];

    /// <summary>Whether pods run on this machine's loopback address, also where namespaces can be made. Default false.</summary>
    public bool OnLoopback { get; init; }

    /// <summary>Takes one line of a pod's output, or of what happens to it.</summary>
    public Action<string> Output { get; init; } = _ => { };

    /// <summary>Where the run file goes; null for the usual place, empty for none.</summary>
    public string? RunDirectory { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
