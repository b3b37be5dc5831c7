using AspireMesh.Proxy.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace AspireMesh.Proxy.Tests.Telemetry;

public sealed class AccessLogTests
{
    [Fact]
    public void Failures_are_always_written_and_successes_up_to_a_number_each_second()
    {
        var time = new FakeTimeProvider();
        var log = new AccessLog(new Listening(), 3, time);
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => log.Wants(200)));
        Assert.Equal(10, Enumerable.Range(0, 10).Count(_ => log.Wants(503)));
        Assert.True(log.Wants(0));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => log.Wants(404)));
    }

    [Fact]
    public void Many_successes_do_not_crowd_a_refusal_out()
    {
        var log = new AccessLog(new Listening(), 3, new FakeTimeProvider());
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => log.Wants(200)));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => log.Wants(429)));
    }

    [Fact]
    public void Without_a_receiver_nothing_is_written() => Assert.False(new AccessLog(null, 3, TimeProvider.System).Wants(503));

    private sealed class Listening : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
        }
    }
}
