using AspireMesh.Proxy.Telemetry;

namespace AspireMesh.Proxy.Tests.Telemetry;

public sealed class TraceContextTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";

    [Theory]
    [InlineData($"00-{Trace}-{Span}-01")]
    [InlineData($"00-{Trace}-{Span}-00")]
    [InlineData($"01-{Trace}-{Span}-01-later-versions-may-say-more")]
    public void A_well_formed_context_is_kept(string traceparent)
    {
        var context = TraceContext.Read(traceparent, "vendor=1");
        Assert.Equal(Trace, context.TraceId.ToHexString());
        Assert.Equal(Span, context.SpanId.ToHexString());
        Assert.Equal("vendor=1", context.TraceState);
        Assert.True(context.IsRemote);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData($"00-{Trace}-{Span}")]
    [InlineData($"00-{Trace}-{Span}-01-more")]
    [InlineData($"ff-{Trace}-{Span}-01")]
    [InlineData($"00-00000000000000000000000000000000-{Span}-01")]
    [InlineData($"00-{Trace}-0000000000000000-01")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473z-00f067aa0ba902b7-01")]
    public void A_bad_context_is_as_good_as_none(string? traceparent) => Assert.Equal(default, TraceContext.Read(traceparent, "vendor=1"));
}
