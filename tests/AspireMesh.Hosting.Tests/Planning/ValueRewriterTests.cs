using AspireMesh.Hosting.Planning;

namespace AspireMesh.Hosting.Tests.Planning;

public class ValueRewriterTests
{
    private readonly Planned _app = new();
    private readonly IResourceBuilder<ExecutableResource> _back;
    private readonly IResourceBuilder<ExecutableResource> _other;
    private readonly ValueRewriter _rewriter;

    public ValueRewriterTests()
    {
        _back = _app.Builder.AddExecutable("back", "app", ".").WithHttpsEndpoint(name: "https");
        _other = _app.Http("other");
        var annotation = _back.Resource.Annotations.OfType<EndpointAnnotation>().Single();
        annotation.AllocatedEndpoint = new AllocatedEndpoint(annotation, "localhost", 7001);
        _rewriter = new ValueRewriter([new EdgePlan(_other.Resource, _back.Resource, annotation, new MeshListener("http", [9001], "back.https"))]);
    }

    private EndpointReference Back => _back.GetEndpoint("https");

    [Theory]
    [InlineData(EndpointProperty.Url, "http://127.0.0.1:9001")]
    [InlineData(EndpointProperty.Host, "127.0.0.1")]
    [InlineData(EndpointProperty.IPV4Host, "127.0.0.1")]
    [InlineData(EndpointProperty.Port, "9001")]
    [InlineData(EndpointProperty.Scheme, "http")]
    [InlineData(EndpointProperty.TargetPort, "9001")]
    [InlineData(EndpointProperty.HostAndPort, "127.0.0.1:9001")]
    [InlineData(EndpointProperty.TlsEnabled, "False")]
    public async Task Every_part_of_an_endpoint_becomes_the_listeners(EndpointProperty property, string expected) => Assert.Equal(expected, await TextAsync(Back.Property(property)));

    [Fact]
    public async Task A_whole_reference_becomes_the_listeners_url() => Assert.Equal("http://127.0.0.1:9001", await TextAsync(Back));

    [Fact]
    public async Task Interpolated_text_keeps_its_braces_encodings_and_other_values()
    {
        var nested = ReferenceExpression.Create($"[{Back.Property(EndpointProperty.HostAndPort)}]");
        var builder = new ReferenceExpressionBuilder();
        builder.AppendLiteral("{{\"a\":\"");
        builder.AppendValueProvider(Back, "uri");
        builder.AppendLiteral("\",\"b\":\"");
        builder.AppendValueProvider(nested);
        builder.AppendLiteral("\"}}");

        Assert.Equal("{\"a\":\"http%3A%2F%2F127.0.0.1%3A9001\",\"b\":\"[127.0.0.1:9001]\"}", await TextAsync(builder.Build()));
    }

    [Fact]
    public async Task A_choice_by_tls_takes_the_plain_branch()
    {
        var choice = ReferenceExpression.CreateConditional(Back.Property(EndpointProperty.TlsEnabled), "True", ReferenceExpression.Create($"ssl"), ReferenceExpression.Create($"plain to {Back}"));

        Assert.Equal("plain to http://127.0.0.1:9001", await TextAsync(choice));
    }

    [Fact]
    public async Task Connection_strings_are_taken_apart()
    {
        var connection = _app.Builder.AddConnectionString("db", ReferenceExpression.Create($"Server={Back.Property(EndpointProperty.Host)},{Back.Property(EndpointProperty.Port)}"));

        Assert.Equal("Server=127.0.0.1,9001", await TextAsync(new ConnectionStringReference(connection.Resource, optional: false)));
        Assert.Equal("Server=127.0.0.1,9001", await TextAsync(connection.Resource));
    }

    [Theory]
    [InlineData("https://localhost:7001/path?q=1", "http://127.0.0.1:9001/path?q=1")]
    [InlineData("a=127.0.0.1:7001;b=localhost:70011", "a=127.0.0.1:9001;b=localhost:70011")]
    [InlineData("wss://localhost:7001/live", "ws://127.0.0.1:9001/live")]
    [InlineData("http://elsewhere:7001 mylocalhost:7001", "http://elsewhere:7001 mylocalhost:7001")]
    public async Task Addresses_in_text_that_is_already_resolved_are_replaced(string text, string expected)
    {
        Assert.Equal(expected, await TextAsync(text));
        Assert.Equal(expected, await TextAsync(new Resolved(text, Back)));
    }

    [Theory]
    [InlineData("http://api.example/v1?q=1", "http://127.0.0.1:9002/v1?q=1")]
    [InlineData("a=http://API.example:80;b=1", "a=http://127.0.0.1:9002;b=1")]
    [InlineData("http://api.example:9000/", "http://api.example:9000/")]
    [InlineData("http://api.example.org/ http://api.example-two/", "http://api.example.org/ http://api.example-two/")]
    public void An_external_services_address_is_replaced_and_its_neighbours_with_the_same_beginning_are_not(string text, string expected)
    {
        var external = _app.Builder.AddExternalService("api", "http://api.example/");
        var rewriter = new ValueRewriter([new EdgePlan(_other.Resource, external.Resource, null, new MeshListener("http", [9002], "api")) { Outside = new Uri("http://api.example/") }]);

        Assert.Equal(expected, rewriter.RewriteText(text));
    }

    [Fact]
    public void What_does_not_lead_through_the_mesh_stays_the_same_object()
    {
        object[] values = ["text", _other.GetEndpoint("http"), _other.GetEndpoint("http").Property(EndpointProperty.Port), ReferenceExpression.Create($"{_other.GetEndpoint("http")}"), 5, new Resolved("x", _other.GetEndpoint("http"))];

        Assert.All(values, v => Assert.Same(v, _rewriter.Rewrite(v)));
    }

    private async Task<string?> TextAsync(object value) => _rewriter.Rewrite(value) switch
    {
        string text => text,
        IValueProvider provider => await provider.GetValueAsync(TestContext.Current.CancellationToken),
        var other => other.ToString(),
    };

    private sealed class Resolved(string text, object reference) : IValueProvider, IValueWithReferences
    {
        public IEnumerable<object> References => [reference];

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(text);
    }
}
