using AspireMesh.Protocol.Policies;
using AspireMesh.Proxy.Outbound.LoadBalancing;
using AspireMesh.Proxy.Outbound.Retries;

namespace AspireMesh.Proxy.Tests.Outbound;

public class OutlierDetectionTests
{
    private readonly Clusters _clusters = new();

    [Fact]
    public void Five_5xx_in_a_row_eject_and_a_success_in_between_starts_the_run_again()
    {
        var cluster = Make("a", "b");
        Observe(cluster, 0, 500, 500, 500, 500, 200, 500, 500, 500, 500);
        Assert.Empty(_clusters.Log);
        Observe(cluster, 0, 500);
        Assert.Equal(["a ejected for 5 s: consecutive_5xx"], _clusters.Log);
        Assert.Equal("b", Assert.Single(Clusters.Count(cluster, 30)).Key);
    }

    [Fact]
    public void Three_connect_failures_eject()
    {
        var cluster = Make("a", "b");
        for (var i = 0; i < 3; i++) cluster.Observe(cluster.Destinations[0], AttemptOutcome.Failed(AttemptFailure.Connect), TimeSpan.Zero);
        Assert.Equal(["a ejected for 5 s: consecutive_local_failures"], _clusters.Log);
    }

    [Fact]
    public void Gateway_errors_and_unavailable_count_as_one_run()
    {
        var cluster = Make(new OutlierDetectionPolicy { Consecutive5xx = 0, ConsecutiveGatewayErrors = 3 }, "a", "b");
        Observe(cluster, 0, 502, 503);
        cluster.Observe(cluster.Destinations[0], AttemptOutcome.Answered(200, grpcStatus: 14), TimeSpan.Zero);
        Assert.Equal(["a ejected for 5 s: consecutive_gateway_errors"], _clusters.Log);
    }

    [Fact]
    public void The_caller_going_away_says_nothing_about_the_destination()
    {
        var cluster = Make("a", "b");
        for (var i = 0; i < 50; i++) cluster.Observe(cluster.Destinations[0], AttemptOutcome.Failed(AttemptFailure.CallerGone), TimeSpan.Zero);
        Assert.Empty(_clusters.Log);
    }

    [Fact]
    public void Back_on_probation_one_failure_ejects_again_for_longer_and_surviving_windows_forgives()
    {
        var cluster = Make("a", "b");
        Observe(cluster, 0, 500, 500, 500, 500, 500);
        _clusters.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(cluster.Destinations[0].State.Outliers.IsEjected);
        Observe(cluster, 0, 500);
        Assert.Equal(["a ejected for 5 s: consecutive_5xx", "a ejected for 10 s: failed_on_probation"], _clusters.Log);
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        for (var window = 0; window < 3; window++)
        {
            Observe(cluster, 0, 200);
            _clusters.Time.Advance(TimeSpan.FromSeconds(10));
            Observe(cluster, 0, 200);
        }

        Observe(cluster, 0, 500, 500, 500, 500, 500);
        Assert.Equal("a ejected for 5 s: consecutive_5xx", _clusters.Log[^1]);
    }

    [Fact]
    public void At_most_the_given_share_is_ejected_and_the_only_one_never()
    {
        var cluster = Make("a", "b", "c", "d");
        for (var i = 0; i < 4; i++) Observe(cluster, i, 500, 500, 500, 500, 500);
        Assert.Equal(2, _clusters.Log.Count);
        _clusters.Log.Clear();
        cluster = Make("only");
        Observe(cluster, 0, 500, 500, 500, 500, 500, 500);
        Assert.Empty(_clusters.Log);
    }

    [Fact]
    public void The_only_success_rate_below_the_threshold_is_ejected_when_the_window_ends()
    {
        var cluster = Make(new OutlierDetectionPolicy { Consecutive5xx = 0, SuccessRateThreshold = 0.8 }, "a", "b");
        for (var i = 0; i < 20; i++)
        {
            Observe(cluster, 0, i % 2 == 0 ? 500 : 200);
            Observe(cluster, 1, 200);
        }

        Assert.Empty(_clusters.Log);
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        Observe(cluster, 1, 200);
        Assert.Equal(["a ejected for 5 s: success_rate"], _clusters.Log);
    }

    [Fact]
    public void One_that_is_slow_beside_the_others_is_ejected_and_all_slow_are_not()
    {
        var cluster = Make(new OutlierDetectionPolicy { LatencyFactor = 3 }, "a", "b", "c");
        for (var i = 0; i < 25; i++)
            for (var d = 0; d < 3; d++) cluster.Observe(cluster.Destinations[d], AttemptOutcome.Answered(200), TimeSpan.FromMilliseconds(d == 0 ? 100 : 10));
        _clusters.Time.Advance(TimeSpan.FromSeconds(10));
        Observe(cluster, 1, 200);
        Assert.Equal(["a ejected for 5 s: latency"], _clusters.Log);
    }

    [Fact]
    public void Ejections_outlast_a_snapshot_change()
    {
        var cluster = Make("a", "b");
        Observe(cluster, 0, 500, 500, 500, 500, 500);
        cluster = _clusters.Apply(Clusters.Of("a", "b", "c") with { OutlierDetection = new() });
        Assert.True(cluster.Destinations[0].State.Outliers.IsEjected);
    }

    private Cluster Make(params string[] names) => Make(new OutlierDetectionPolicy(), names);

    private Cluster Make(OutlierDetectionPolicy policy, params string[] names) => _clusters.Apply(Clusters.Of(names) with { OutlierDetection = policy });

    private static void Observe(Cluster cluster, int index, params int[] statuses)
    {
        foreach (var status in statuses) cluster.Observe(cluster.Destinations[index], AttemptOutcome.Answered(status), TimeSpan.FromMilliseconds(5));
    }
}
