namespace AspireMesh.Simulator.Tests;

public class ReferenceExpressionTests
{
    [Fact]
    public async Task An_expression_can_be_taken_apart_and_rebuilt_with_other_values()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var one = builder.AddParameter("one", "first");
        var two = builder.AddParameter("two", "second/");
        var text = ReferenceExpression.Create($"<{one}> and {one:uri}");

        var rebuilt = new ReferenceExpressionBuilder();
        rebuilt.AppendLiteral("<");
        rebuilt.AppendValueProvider(two.Resource, text.StringFormats[0]);
        rebuilt.AppendLiteral("> and ");
        rebuilt.AppendValueProvider(two.Resource, text.StringFormats[1]);

        Assert.Equal("<{0}> and {1}", text.Format);
        Assert.Equal(text.Format, rebuilt.Build().Format);
        Assert.Equal("<second/> and second%2F", await rebuilt.Build().GetValueAsync(TestApp.Patience));
    }

    [Fact]
    public async Task Braces_stand_for_themselves_in_an_interpolated_expression_and_are_doubled_by_hand_in_a_builder()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var one = builder.AddParameter("one", "first");
        var value = "{b}";
        var text = ReferenceExpression.Create($"{{\"a\":\"{one}\",{value}}}");
        Assert.Equal("{\"a\":\"first\",{b}}", await text.GetValueAsync(TestApp.Patience));

        var rebuilt = new ReferenceExpressionBuilder();
        rebuilt.AppendLiteral("{{");
        rebuilt.AppendValueProvider(one);
        rebuilt.AppendFormatted("}}");
        Assert.Equal("{first}", await rebuilt.Build().GetValueAsync(TestApp.Patience));

        // As in Aspire: what a builder is given is the composite format itself.
        rebuilt.AppendLiteral("}");
        await Assert.ThrowsAsync<FormatException>(async () => await rebuilt.Build().GetValueAsync(TestApp.Patience));
    }

    [Fact]
    public async Task An_empty_expression_has_no_value() => Assert.Null(await new ReferenceExpressionBuilder().Build().GetValueAsync(TestApp.Patience));

    [Theory]
    [InlineData("yes", "on")]
    [InlineData("YES", "on")]
    [InlineData("no", "off")]
    public async Task A_conditional_chooses_by_its_condition(string value, string expected)
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var condition = builder.AddParameter("condition", value);

        var text = ReferenceExpression.CreateConditional(condition.Resource, "yes", ReferenceExpression.Create($"on"), ReferenceExpression.Create($"off"));

        Assert.True(text.IsConditional);
        Assert.Equal(expected, await text.GetValueAsync(TestApp.Patience));
    }

    [Fact]
    public async Task A_parameters_value_is_configured_or_known()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.Configuration["Parameters:name"] = "configured";

        Assert.Equal("configured", await builder.AddParameter("name").Resource.GetValueAsync(TestApp.Patience));
        Assert.Equal("known", await builder.AddParameter("other", "known").Resource.GetValueAsync(TestApp.Patience));
    }
}
