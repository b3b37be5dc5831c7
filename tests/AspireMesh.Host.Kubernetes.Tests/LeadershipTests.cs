using AspireMesh.Host.Kubernetes.Election;
using k8s;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>When a leader has to stop, on a clock of the test's own.</summary>
public class LeadershipTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_leader_whose_server_answers_late_stops_before_others_may_take_over()
    {
        await using var cluster = await Cluster.StartAsync();
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var options = new ClusterOptions { Namespace = Cluster.Namespace, PodName = "control-a", PodIp = "127.0.0.1", TimeProvider = time, LoggerFactory = cluster.Logs };
        var late = new LateAnswers();
        using var client = new k8s.Kubernetes(new KubernetesClientConfiguration { Host = cluster.Api.Address }, late);
        var leadership = new Leadership(client, options, "control-a@127.0.0.1:1", new Random(1), cluster.Logs.CreateLogger("leadership"));
        await leadership.AcquireAsync(CancellationToken.None);
        late.Hold();
        var holding = leadership.HoldAsync(CancellationToken.None);

        // The renewal reaches the server after two seconds: from then on others count. Its answer takes nine.
        time.Advance(options.LeaseRenewal);
        await late.Taken.WaitAsync(Patience);
        time.Advance(TimeSpan.FromSeconds(9));
        var more = late.LetGo();
        // Ten seconds after it asked, what it knows is too old: it must not go on to ask a server that may take as long again.
        using var limit = new CancellationTokenSource(Patience);
        while (!holding.IsCompleted && !more.IsCompleted && !limit.IsCancellationRequested)
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        Assert.False(more.IsCompleted, "it asked again instead of stopping");
        await holding.WaitAsync(Patience);
    }

    /// <summary>Passes everything on; the answer to the first write after <see cref="Hold"/> is kept back until <see cref="LetGo"/>.</summary>
    private sealed class LateAnswers : DelegatingHandler
    {
        private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _holds;

        public Task Taken => _taken.Task;

        public void Hold() => _holds = true;

        /// <summary>Lets the answer go; completes when something else is asked.</summary>
        public Task LetGo()
        {
            _go.SetResult();
            return _more.Task;
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (_go.Task.IsCompleted) _more.TrySetResult();
            var answer = await base.SendAsync(request, cancellationToken);
            if (!_holds || request.Method != HttpMethod.Put) return answer;
            _taken.TrySetResult();
            await _go.Task.WaitAsync(cancellationToken);
            return answer;
        }
    }
}
