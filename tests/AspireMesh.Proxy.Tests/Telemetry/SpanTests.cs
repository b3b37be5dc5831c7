using System.Diagnostics;
using AspireMesh.Proxy.Runtime;
using Fixture = AspireMesh.Proxy.Tests.Telemetry.TelemetryFixture;

namespace AspireMesh.Proxy.Tests.Telemetry;

public sealed class SpanTests
{
    private const string Caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private const string NotSampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    [Fact]
    public void Every_attempt_is_a_client_span_below_the_callers()
    {
        using var fixture = new Fixture();
        var request = fixture.Events.RequestStarted(fixture.Outbound(Caller, "vendor=1"));
        var first = request.AttemptStarted(Fixture.Api, Fixture.Destination, 1);
        first.Ended(new AttemptEnd(503, null, null));
        var second = request.AttemptStarted(Fixture.Api, Fixture.Destination, 2);
        second.Ended(new AttemptEnd(200, null, null));
        request.Ended(Fixture.End(attempts: 2));

        var spans = fixture.Spans.ToArray();
        Assert.Equal(2, spans.Length);
        Assert.All(spans, s => Assert.Equal(ActivityKind.Client, s.Kind));
        Assert.All(spans, s => Assert.Equal("00f067aa0ba902b7", s.ParentSpanId.ToHexString()));
        Assert.All(spans, s => Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", s.TraceId.ToHexString()));
        Assert.Equal(ActivityStatusCode.Error, spans[0].Status);
        Assert.Equal(ActivityStatusCode.Unset, spans[1].Status);
        Assert.Equal(1, spans[1].GetTagItem("http.request.resend_count"));
        Assert.Equal("GET api.http", spans[0].DisplayName);
        Assert.Equal("vendor=1", first.Trace.TraceState);
        Assert.Equal(spans[0].SpanId, first.Trace.SpanId);
    }

    [Fact]
    public void What_the_caller_does_not_sample_gets_no_span_and_its_context_passes_as_it_came()
    {
        using var fixture = new Fixture();
        var request = fixture.Events.RequestStarted(fixture.Outbound(NotSampled));
        var attempt = request.AttemptStarted(Fixture.Api, Fixture.Destination, 1);
        Assert.Equal(default, attempt.Trace);
        attempt.Ended(new AttemptEnd(200, null, null));
        request.Ended(Fixture.End());
        Assert.Empty(fixture.Spans);
    }

    [Fact]
    public void Without_a_callers_context_all_attempts_are_one_new_trace()
    {
        using var fixture = new Fixture();
        var request = fixture.Events.RequestStarted(fixture.Outbound("not a context"));
        var first = request.AttemptStarted(Fixture.Api, Fixture.Destination, 1);
        first.Ended(new AttemptEnd(0, null, "refused"));
        var second = request.AttemptStarted(Fixture.Api, Fixture.Destination, 2);
        second.Ended(new AttemptEnd(200, null, null));
        request.Ended(Fixture.End(attempts: 2));
        Assert.NotEqual(default, first.Trace.TraceId);
        Assert.Equal(first.Trace.TraceId, second.Trace.TraceId);
        Assert.NotEqual(first.Trace.SpanId, second.Trace.SpanId);
    }

    [Fact]
    public void An_inbound_request_is_one_server_span_and_the_app_continues_it()
    {
        using var fixture = new Fixture();
        var request = fixture.Events.RequestStarted(fixture.Inbound(Caller));
        var toApp = request.AttemptStarted(Fixture.Api, Fixture.Destination, 1);
        Assert.Equal(request.Trace, toApp.Trace);
        toApp.Ended(new AttemptEnd(500, null, null));
        request.Ended(Fixture.End(500));
        var span = Assert.Single(fixture.Spans);
        Assert.Equal(ActivityKind.Server, span.Kind);
        Assert.Equal("00f067aa0ba902b7", span.ParentSpanId.ToHexString());
        Assert.Equal("spiffe://test.mesh/ns/default/sa/shop", span.GetTagItem("mesh.peer"));
        Assert.Equal(ActivityStatusCode.Error, span.Status);
    }

    [Fact]
    public void A_span_never_stays_current_for_the_next_request_of_a_connection()
    {
        using var fixture = new Fixture();
        Assert.Null(Activity.Current);
        var request = fixture.Events.RequestStarted(fixture.Outbound());
        var attempt = request.AttemptStarted(Fixture.Api, Fixture.Destination, 1);
        Assert.Null(Activity.Current);
        attempt.Ended(new AttemptEnd(200, null, null));
        request.Ended(Fixture.End());
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Without_a_listener_there_are_no_spans()
    {
        using var fixture = new Fixture(listen: false);
        var request = fixture.Events.RequestStarted(fixture.Outbound(Caller));
        Assert.Equal(default, request.AttemptStarted(Fixture.Api, Fixture.Destination, 1).Trace);
        Assert.Equal(default, request.Trace);
    }
}
