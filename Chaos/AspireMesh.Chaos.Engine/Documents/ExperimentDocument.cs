using System.Collections.Immutable;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Faults;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Chaos.Documents;

/// <summary>An experiment as data: what C#, <c>aspiremesh faults run</c>, campaigns and imports have in common. Times are written <c>300ms</c>, <c>5s</c>, <c>2m</c>.</summary>
public sealed record ExperimentDocument
{
    /// <summary>What is claimed, in words.</summary>
    public required string Name { get; init; }

    /// <summary>More words; null for none.</summary>
    public string? Description { get; init; }

    /// <summary>The seed of every decision. Default 1.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>The traffic that is measured.</summary>
    public LoadDocument? Load { get; init; }

    /// <summary>What is claimed.</summary>
    public ImmutableArray<ClaimDocument> Hypothesis { get; init; } = [];

    /// <summary>What is done to the system, one after the other.</summary>
    public ImmutableArray<StepDocument> Steps { get; init; } = [];

    /// <summary>The experiment ends as soon as one of these is true while its steps are in force.</summary>
    public ImmutableArray<ClaimDocument> AbortWhen { get; init; } = [];

    /// <summary>What it may touch at most; null for no such bound.</summary>
    public BlastRadius? BlastRadius { get; init; }
}

/// <summary>Traffic: calls of its own to an address, or what goes over an edge anyway.</summary>
public sealed record LoadDocument
{
    /// <summary>The address; relative where <see cref="Resource"/> is given. Default <c>/</c>.</summary>
    public string Url { get; init; } = "/";

    /// <summary>The resource that is called; null where the address is absolute.</summary>
    public string? Resource { get; init; }

    /// <summary>Its endpoint; null for the HTTP one.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The method. Default GET.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>The body; null for none.</summary>
    public string? Body { get; init; }

    /// <summary>Its type. Default <c>application/json</c>.</summary>
    public string ContentType { get; init; } = "application/json";

    /// <summary>Headers of the request.</summary>
    public ImmutableSortedDictionary<string, string> Headers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What counts as a call that went well.</summary>
    public Tolerance Expect { get; init; } = new();

    /// <summary>Calls while the steps are in force. Default 50.</summary>
    public int Requests { get; init; } = 50;

    /// <summary>Calls at once. Default 4.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>Calls before and after. Default 10.</summary>
    public int Steady { get; init; } = 10;

    /// <summary>Calls a second at most; 0 (the default) for as fast as they are answered.</summary>
    public double Rate { get; init; }

    /// <summary>A call that takes longer has failed. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Instead of calls of its own: watches an edge.</summary>
    public ObserveDocument? Observe { get; init; }
}

/// <summary>Watches the traffic of an edge.</summary>
public sealed record ObserveDocument
{
    /// <summary>The caller.</summary>
    public required string From { get; init; }

    /// <summary>The callee.</summary>
    public required string To { get; init; }

    /// <summary>The endpoint; null for all.</summary>
    public string? Endpoint { get; init; }

    /// <summary>For how long while the steps are in force. Default 10 s.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For how long before and after. Default 3 s.</summary>
    public TimeSpan Steady { get; init; } = TimeSpan.FromSeconds(3);
}

/// <summary>What an answer must be like.</summary>
public sealed record Tolerance
{
    /// <summary>Statuses and ranges of them, as in <c>200-299,404</c>. Default <c>200-299</c>.</summary>
    public string Status { get; init; } = "200-299";

    /// <summary>A regular expression that the body has to match somewhere; null for any body.</summary>
    public string? BodyMatches { get; init; }

    /// <summary>A path to a value of a JSON body, names and indexes with dots between, as in <c>items.0.price</c>; null for none.</summary>
    public string? JsonPath { get; init; }

    /// <summary>What that value has to be, as text.</summary>
    public string? JsonValue { get; init; }

    /// <summary>The least that value may be as a number.</summary>
    public double? JsonAtLeast { get; init; }

    /// <summary>The most that value may be as a number.</summary>
    public double? JsonAtMost { get; init; }
}

/// <summary>What a claim is about.</summary>
public enum ClaimKind
{
    /// <summary>The share of the load's calls that go well, 0 to 1.</summary>
    SuccessRate,

    /// <summary>A percentile of the durations of the load's calls.</summary>
    Latency,

    /// <summary>A figure of an edge: what changed during the phase.</summary>
    Edge,

    /// <summary>How often a fault of this experiment fired.</summary>
    Fires,

    /// <summary>An address that is asked once.</summary>
    Probe,
}

/// <summary>One statement of a hypothesis, or one condition to abort.</summary>
public sealed record ClaimDocument
{
    /// <summary>When it is looked at. Default during.</summary>
    public Phase Phase { get; init; } = Phase.During;

    /// <summary>What it is about.</summary>
    public required ClaimKind Kind { get; init; }

    /// <summary>The least value; null for none.</summary>
    public double? AtLeast { get; init; }

    /// <summary>The greatest value; null for none.</summary>
    public double? AtMost { get; init; }

    /// <summary>Of a latency: the percentile, 0 to 100. Default 99.</summary>
    public double Percentile { get; init; } = 99;

    /// <summary>Of a latency: what it stays below.</summary>
    public TimeSpan? Below { get; init; }

    /// <summary>Of an edge: the caller; null for any.</summary>
    public string? From { get; init; }

    /// <summary>Of an edge: the callee; null for any.</summary>
    public string? To { get; init; }

    /// <summary>Of an edge: <c>requests</c>, <c>failures</c>, <c>successRate</c>, <c>p50Ms</c> or <c>p99Ms</c>. Default failures.</summary>
    public string Figure { get; init; } = "failures";

    /// <summary>Of fires: the fault's id; null for all together.</summary>
    public string? Fault { get; init; }

    /// <summary>Of a probe: the address; relative where <see cref="Resource"/> is given.</summary>
    public string? Url { get; init; }

    /// <summary>Of a probe: the resource that is asked.</summary>
    public string? Resource { get; init; }

    /// <summary>Of a probe: what its answer must be like.</summary>
    public Tolerance Expect { get; init; } = new();
}

/// <summary>One step: exactly one of its parts.</summary>
public sealed record StepDocument
{
    /// <summary>Puts a fault in.</summary>
    public InjectDocument? Inject { get; init; }

    /// <summary>Waits while what came before is in force.</summary>
    public TimeSpan? Wait { get; init; }

    /// <summary>Does something to a process.</summary>
    public ProcessDocument? Process { get; init; }

    /// <summary>Several rows of steps at once; goes on when all have ended.</summary>
    public ImmutableArray<ImmutableArray<StepDocument>> Parallel { get; init; } = [];
}

/// <summary>A fault of an experiment: where, what and when.</summary>
public sealed record InjectDocument
{
    /// <summary>Unique in the experiment; null for one made from its place.</summary>
    public string? Id { get; init; }

    /// <summary>The caller; null for any.</summary>
    public string? From { get; init; }

    /// <summary>The callee; null for any.</summary>
    public string? To { get; init; }

    /// <summary>The callee's endpoint; null for any.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Which end executes it. Default the caller's sidecar.</summary>
    public FaultSide Side { get; init; }

    /// <summary>Which requests; null for all.</summary>
    public RouteMatch? Match { get; init; }

    /// <summary>What happens.</summary>
    public required Fault Fault { get; init; }

    /// <summary>Which of the matching requests.</summary>
    public FaultActivation Activation { get; init; } = new();

    /// <summary>Its own seed; null for one made from the experiment's.</summary>
    public long? Seed { get; init; }

    /// <summary>Position among the faults on one request; null for its place among the steps.</summary>
    public int? Order { get; init; }

    /// <summary>It ends by itself after this time, even when the test and the control plane are gone. Default 5 min.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Taken out after this time while the experiment goes on; null for at its end.</summary>
    public TimeSpan? For { get; init; }
}

/// <summary>What is done to a process.</summary>
public enum ProcessAction
{
    /// <summary>Ends it at once, without a word to it. Undone by starting the resource again.</summary>
    Kill,

    /// <summary>Stops its clock (SIGSTOP). Undone by letting it go on (SIGCONT).</summary>
    Pause,

    /// <summary>Stops and starts the resource.</summary>
    Restart,

    /// <summary>Keeps processors of the machine busy.</summary>
    Cpu,

    /// <summary>Holds memory of the machine.</summary>
    Memory,
}

/// <summary>A step on processes; undone at the end of the experiment at the latest.</summary>
public sealed record ProcessDocument
{
    /// <summary>What.</summary>
    public required ProcessAction Action { get; init; }

    /// <summary>The resource, or a sidecar that is a process of its own; null for pressure on the machine.</summary>
    public string? Resource { get; init; }

    /// <summary>Which of its instances, from 0 in the order of their names; null for all.</summary>
    public int? Instance { get; init; }

    /// <summary>Of pressure: processors, or mebibytes. Default 1.</summary>
    public int Amount { get; init; } = 1;

    /// <summary>Undone after this time while the experiment goes on; null for at its end.</summary>
    public TimeSpan? For { get; init; }
}

/// <summary>What an experiment may touch at most. Looked at before it begins.</summary>
public sealed record BlastRadius
{
    /// <summary>The resources that faults and process steps may be on, as callee or caller; empty for all.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>The greatest share of requests a fault may hit, 0 to 100. Default 100.</summary>
    public double MaxPercent { get; init; } = 100;

    /// <summary>Each fault fires at most this often; 0 for no such bound.</summary>
    public long MaxFires { get; init; }

    /// <summary>The steps are in force at most this long; it is aborted then. Default 10 min.</summary>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromMinutes(10);
}
