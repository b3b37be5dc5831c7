using System.Collections.Immutable;
using System.Text.RegularExpressions;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Documents;

/// <summary>Whether an experiment can be run, apart from the names of workloads, which only a mesh knows.</summary>
internal static class DocumentChecks
{
    private static readonly string[] Figures = ["requests", "failures", "successRate", "p50Ms", "p99Ms"];

    public static void Check(ExperimentDocument document, string source, ProblemList problems)
    {
        if (string.IsNullOrWhiteSpace(document.Name)) Bad(problems, source, "the experiment has no name", "\"name\": \"checkout survives slow payments\"");
        if (document.Load is null) Bad(problems, source, "the experiment has no load", "\"load\": { \"url\": \"http://127.0.0.1:8080/\" }");
        else Check(document.Load, $"{source}.load", problems);
        if (document.Hypothesis.Length == 0) Bad(problems, source, "the experiment claims nothing", "\"hypothesis\": [ { \"kind\": \"successRate\", \"atLeast\": 0.99 } ]");
        for (var i = 0; i < document.Hypothesis.Length; i++) Check(document.Hypothesis[i], $"{source}.hypothesis[{i}]", problems);
        for (var i = 0; i < document.AbortWhen.Length; i++) Check(document.AbortWhen[i], $"{source}.abortWhen[{i}]", problems);
        CheckSteps(document.Steps, document.BlastRadius, $"{source}.steps", problems);
        foreach (var twice in Injections(document.Steps).Where(i => i.Id is not null).GroupBy(i => i.Id).Where(g => g.Count() > 1))
        {
            Bad(problems, source, $"the fault '{twice.Key}' is there {twice.Count()} times", "another \"id\" for each");
        }
        var ids = Injections(document.Steps).Select(i => i.Id).ToHashSet();
        foreach (var claim in document.Hypothesis.Concat(document.AbortWhen).Where(c => c is { Kind: ClaimKind.Fires, Fault: not null } && !ids.Contains(c.Fault)))
        {
            Bad(problems, source, $"a claim is about the fault '{claim.Fault}', and no step has that id", $"\"id\": \"{claim.Fault}\" in the step that injects it");
        }
    }

    /// <summary>The steps alone: for an experiment whose other parts are code.</summary>
    public static void CheckRadius(ImmutableArray<StepDocument> steps, BlastRadius? radius, string source, ProblemList problems) => CheckSteps(steps, radius, $"{source}.steps", problems);

    /// <summary>Every fault of the steps, in the order they are written.</summary>
    public static IEnumerable<InjectDocument> Injections(IEnumerable<StepDocument> steps) =>
        steps.SelectMany(s => s.Inject is { } inject ? [inject] : s.Parallel.SelectMany(Row));

    private static IEnumerable<InjectDocument> Row(ImmutableArray<StepDocument> row) => Injections(row);

    private static void CheckSteps(ImmutableArray<StepDocument> steps, BlastRadius? radius, string path, ProblemList problems)
    {
        for (var i = 0; i < steps.Length; i++)
        {
            var (step, place) = (steps[i], $"{path}[{i}]");
            var parts = (step.Inject is null ? 0 : 1) + (step.Wait is null ? 0 : 1) + (step.Process is null ? 0 : 1) + (step.Parallel.Length == 0 ? 0 : 1);
            if (parts != 1) Bad(problems, place, $"a step has {parts} parts", "exactly one of \"inject\", \"wait\", \"process\", \"parallel\"");
            if (step.Wait is { } wait) problems.Range(place, "wait", wait, TimeSpan.Zero, TimeSpan.FromHours(1));
            if (step.Inject is { } inject) Check(inject, radius, place, problems);
            if (step.Process is { } process) Check(process, radius, place, problems);
            for (var row = 0; row < step.Parallel.Length; row++) CheckSteps(step.Parallel[row], radius, $"{place}.parallel[{row}]", problems);
        }
    }

    private static void Check(InjectDocument inject, BlastRadius? radius, string place, ProblemList problems)
    {
        FaultChecks.Check(new FaultRule { Id = inject.Id ?? place, Fault = inject.Fault, Activation = inject.Activation, Match = inject.Match, From = inject.From, To = inject.To, Endpoint = inject.Endpoint, Side = inject.Side, ExpiresAt = DateTimeOffset.MaxValue }, problems);
        problems.Range(place, "timeToLive", inject.TimeToLive, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        if (radius is null) return;
        if (inject.Activation.Percent > radius.MaxPercent) Bad(problems, place, $"the fault hits {inject.Activation.Percent} % of requests, and the blast radius allows {radius.MaxPercent}", $"\"percent\": {radius.MaxPercent}");
        if (radius.Resources.Length > 0 && (inject.To is null || !radius.Resources.Contains(inject.To)) && (inject.From is null || !radius.Resources.Contains(inject.From)))
        {
            Bad(problems, place, $"the fault is on {new ChaosEdge(inject.From, inject.To, inject.Endpoint)}, outside the blast radius", $"\"to\": one of {string.Join(", ", radius.Resources)}");
        }
    }

    private static void Check(ProcessDocument process, BlastRadius? radius, string place, ProblemList problems)
    {
        var pressure = process.Action is ProcessAction.Cpu or ProcessAction.Memory;
        if (!pressure && string.IsNullOrWhiteSpace(process.Resource)) Bad(problems, place, $"{process.Action} of no resource", "\"resource\": \"orders\"");
        problems.Range(place, "amount", process.Amount, 1, process.Action == ProcessAction.Cpu ? 256 : 65536);
        if (radius is { Resources.Length: > 0 } && !pressure && !radius.Resources.Contains(process.Resource ?? "")) Bad(problems, place, $"the resource '{process.Resource}' is outside the blast radius", $"\"resource\": one of {string.Join(", ", radius.Resources)}");
    }

    private static void Check(LoadDocument load, string place, ProblemList problems)
    {
        if (load.Observe is { } observe)
        {
            problems.Range(place, "observe.time", observe.Time, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
            problems.Range(place, "observe.steady", observe.Steady, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
            return;
        }
        CheckAddress(load.Url, load.Resource, place, problems);
        problems.Range(place, "requests", load.Requests, 1, 1_000_000);
        problems.Range(place, "concurrency", load.Concurrency, 1, 1000);
        problems.Range(place, "steady", load.Steady, 0, 1_000_000);
        problems.Range(place, "rate", load.Rate, 0, 100_000);
        problems.Range(place, "timeout", load.Timeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Check(load.Expect, place, problems);
    }

    private static void Check(ClaimDocument claim, string place, ProblemList problems)
    {
        var bounds = claim.AtLeast is not null || claim.AtMost is not null;
        switch (claim.Kind)
        {
            case ClaimKind.SuccessRate:
                if (!bounds) Bad(problems, place, "a success rate without a bound", "\"atLeast\": 0.99");
                problems.Range(place, "atLeast", claim.AtLeast ?? 0, 0, 1);
                problems.Range(place, "atMost", claim.AtMost ?? 0, 0, 1);
                break;
            case ClaimKind.Latency:
                if (claim.Below is null) Bad(problems, place, "a latency without a bound", "\"below\": \"500ms\"");
                problems.Range(place, "percentile", claim.Percentile, 0, 100);
                break;
            case ClaimKind.Edge:
                if (!bounds) Bad(problems, place, "a figure without a bound", "\"atMost\": 0");
                if (!Figures.Contains(claim.Figure)) Bad(problems, place, $"the figure '{claim.Figure}' is not known", $"one of {string.Join(", ", Figures)}");
                break;
            case ClaimKind.Fires:
                if (!bounds) Bad(problems, place, "fires without a bound", "\"atLeast\": 1");
                break;
            default:
                CheckAddress(claim.Url ?? (claim.Resource is null ? "" : "/"), claim.Resource, place, problems);
                Check(claim.Expect, place, problems);
                break;
        }
    }

    private static void Check(Tolerance expect, string place, ProblemList problems)
    {
        if (!StatusRanges.TryParse(expect.Status, out _)) Bad(problems, place, $"the status '{expect.Status}' cannot be read", "\"status\": \"200-299,404\"");
        if (expect.BodyMatches is not { } pattern) return;
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            Bad(problems, place, $"the expression '{pattern}' cannot be used ({e.Message})", "a .NET regular expression without look-around");
        }
    }

    private static void CheckAddress(string url, string? resource, string place, ProblemList problems)
    {
        if (resource is null && (!Uri.TryCreate(url, UriKind.Absolute, out var absolute) || absolute.Scheme is not ("http" or "https")))
        {
            Bad(problems, place, $"the address '{url}' is not absolute and no resource is named", "\"url\": \"http://127.0.0.1:8080/\", or add \"resource\": \"frontend\"");
        }
        else if (resource is not null && !url.StartsWith('/')) Bad(problems, place, $"the address '{url}' of the resource '{resource}' is no path", "\"url\": \"/\"");
    }

    private static void Bad(ProblemList problems, string place, string found, string write) => problems.Add(MeshDiagnostics.BadExperiment, $"{place}: {found}. Write {write}.");
}
