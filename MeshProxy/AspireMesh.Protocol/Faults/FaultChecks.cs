using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Faults;

/// <summary>What a fault must look like. Used by the control plane when one is added and by a sidecar on a snapshot.</summary>
public static class FaultChecks
{
    private static readonly string[] Distributions = ["fixed", "uniform", "normal", "pareto"];
    private static readonly string[] Directions = ["request", "response", "both"];

    /// <summary>Checks a fault, apart from the names of workloads.</summary>
    public static void Check(FaultRule rule, ProblemList problems)
    {
        var subject = $"Fault '{rule.Id}'";
        if (string.IsNullOrWhiteSpace(rule.Id)) problems.Add(MeshDiagnostics.BadFault, "A fault without an id. Give it one.");
        var fault = rule.Fault;
        if (!FaultKinds.All.Contains(fault.Kind)) problems.Add(MeshDiagnostics.BadFault, $"{subject}: the kind '{fault.Kind}' is not known. Use one of: {string.Join(", ", FaultKinds.All)}.");
        if (fault.Kind == FaultKinds.Abort)
        {
            if (fault.Status == 0 && fault.GrpcStatus < 0) problems.Add(MeshDiagnostics.BadFault, $"{subject}: an abort needs a status. Type: --abort 503");
            if (fault.Status != 0) problems.Range(subject, "Status", fault.Status, 200, 599);
        }
        FaultKindChecks.Check(rule, subject, problems);
        problems.Range(subject, "GrpcStatus", fault.GrpcStatus, -1, 16);
        problems.Range(subject, "Delay", fault.Delay, TimeSpan.Zero, fault.Kind == FaultKinds.ClockSkew ? TimeSpan.FromDays(3650) : TimeSpan.FromHours(1));
        problems.Range(subject, "Jitter", fault.Jitter, TimeSpan.Zero, TimeSpan.FromHours(1));
        problems.Range(subject, "Bytes", fault.Bytes, 0, long.MaxValue);
        problems.Range(subject, "BytesPerSecond", fault.BytesPerSecond, 0, long.MaxValue);
        if (!Distributions.Contains(fault.Distribution)) problems.Add(MeshDiagnostics.BadFault, $"{subject}: the distribution '{fault.Distribution}' is not known. Use one of: {string.Join(", ", Distributions)}.");
        if (!Directions.Contains(fault.Direction)) problems.Add(MeshDiagnostics.BadFault, $"{subject}: the direction '{fault.Direction}' is not known. Use one of: {string.Join(", ", Directions)}.");
        CheckActivation(rule.Activation, subject, problems);
        if (rule.Match is not null) RouteChecks.Check([rule.Match], subject, problems);
    }

    private static void CheckActivation(FaultActivation activation, string subject, ProblemList problems)
    {
        problems.Range(subject, "Percent", activation.Percent, 0, 100);
        problems.Range(subject, "First", activation.First, 0, long.MaxValue);
        problems.Range(subject, "EveryNth", activation.EveryNth, 0, long.MaxValue);
        problems.Range(subject, "MaxFires", activation.MaxFires, 0, long.MaxValue);
        problems.Range(subject, "Skip", activation.Skip, 0, long.MaxValue);
        problems.Range(subject, "RampRequests", activation.RampRequests, 0, long.MaxValue);
        problems.Range(subject, "BurstPeriod", activation.BurstPeriod, 0, long.MaxValue);
        problems.Range(subject, "BurstLength", activation.BurstLength, 0, activation.BurstPeriod);
    }
}
