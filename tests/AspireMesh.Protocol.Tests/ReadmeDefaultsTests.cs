using System.Globalization;
using AspireMesh.Protocol.Policies;

namespace AspireMesh.Protocol.Tests;

public class ReadmeDefaultsTests
{
    [Fact]
    public void The_table_of_defaults_says_what_the_defaults_are()
    {
        var (opaque, limit) = (MeshDefaults.OpaqueTimeouts, MeshDefaults.Retry.RetryAfterMax);
        var (timeouts, retry, outliers) = (MeshDefaults.Timeouts, MeshDefaults.Retry, MeshDefaults.OutlierDetection);
        string[] rows =
        [
            $"| time to response headers, all attempts | {Seconds(timeouts.Request)} (streams have no such limit) |",
            $"| time to connect | {Seconds(timeouts.Connect)} |",
            $"| silence that ends a stream | {Seconds(timeouts.Idle)}, of opaque TCP {Seconds(opaque.Idle)} |",
            $"| retries | {retry.MaxRetries}, of idempotent methods, or of anything that was not sent |",
            $"| pause between attempts | {retry.BackoffBase.TotalMilliseconds} ms, doubled to {retry.BackoffMax.TotalMilliseconds} ms, with jitter; on another destination where there is one |",
            $"| `Retry-After` | honoured up to {Seconds(limit)}; a longer one ends the retries |",
            "| load balancing | peak EWMA of two choices; of opaque TCP the fewest open connections of two |",
            $"| retry budget | {retry.BudgetRatio * 100} % of requests, and {retry.BudgetMinPerSecond} a second |",
            $"| request body kept for another attempt | {retry.ReplayBytes / 1024} KiB |",
            $"| ejection of a destination | {outliers.Consecutive5xx} errors or {outliers.ConsecutiveLocalFailures} connect failures in a row, for {Seconds(outliers.BaseEjection)} and growing, at most {outliers.MaxEjectedPercent} % |",
            $"| use all destinations below | {outliers.PanicThresholdPercent} % healthy |",
        ];
        var readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        Assert.All(rows, row => Assert.Contains(row, readme));
        Assert.Equal((LoadBalancingAlgorithm.PeakEwma, LoadBalancingAlgorithm.LeastRequests), (MeshDefaults.LoadBalancing.Algorithm, MeshDefaults.OpaqueLoadBalancing.Algorithm));
        Assert.True(retry is { HonourRetryAfter: true, OtherDestination: true });
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds} s");

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AspireMesh.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
