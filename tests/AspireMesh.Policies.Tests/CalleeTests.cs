namespace AspireMesh.Policies.Tests;

public sealed class CalleeTests(PoliciesMesh mesh)
{
    [Fact]
    public async Task A_reference_that_is_narrowed_lets_in_what_it_names()
    {
        Assert.Equal(200, (await mesh.SendAsync("guarded", "http", "/who/")).Status);
        var refused = await mesh.SendAsync("guarded", "http", "/who/", "POST");
        Assert.Equal((403, "UAEX"), (refused.Status, refused.Flag));
        Assert.Equal(403, (await mesh.SendAsync("guarded", "http", "/status/200")).Status);
    }

    [Fact]
    public async Task A_reference_that_is_narrowed_to_a_grpc_method_lets_in_that_one()
    {
        // The app has neither; what counts is who answers.
        var placed = await CallAsync("Place");
        Assert.Equal((404, ""), (placed.Status, placed.Flag));
        var refused = await CallAsync("Cancel");
        Assert.Equal((200, "UAEX", "7"), (refused.Status, refused.Flag, refused.Headers["grpc-status"]));

        Task<Answer> CallAsync(string method) => mesh.SendAsync("guarded", "http", $"/shop.Orders/{method}", "POST", ("content-type", "application/grpc"));
    }

    [Fact]
    public async Task A_denial_wins_and_names_its_rule()
    {
        var refused = await mesh.SendAsync("guarded", "http", "/who/", "GET", ("x-banned", "1"));
        Assert.Equal(403, refused.Status);
        Assert.Contains("deny:caller", refused.Error);
    }

    [Fact]
    public async Task The_app_hears_who_calls_and_a_forged_identity_is_gone()
    {
        var heard = (await mesh.SendAsync("guarded", "http", "/request/", "GET", ("x-forwarded-client-identity", "spiffe://forged"))).Body;
        Assert.Matches("x-forwarded-client-identity: spiffe://[^/]+/ns/default/sa/caller\n?", heard);
        Assert.DoesNotContain("forged", heard);
    }

    [Fact]
    public async Task Audit_lets_through_what_it_would_refuse() => Assert.Equal(200, (await mesh.SendAsync("audited", "http", "/who/secret")).Status);

    [Fact]
    public async Task A_rate_limit_counts_by_header()
    {
        for (var i = 0; i < 2; i++) Assert.Equal(200, (await mesh.SendAsync("limited", "http", "/who/", "GET", ("x-user", "ann"))).Status);
        var third = await mesh.SendAsync("limited", "http", "/who/", "GET", ("x-user", "ann"));
        Assert.Equal((429, "RL"), (third.Status, third.Flag));
        Assert.True(third.Headers.ContainsKey("Retry-After"));
        Assert.Equal(200, (await mesh.SendAsync("limited", "http", "/who/", "GET", ("x-user", "bob"))).Status);
    }

    [Fact]
    public async Task A_rate_limit_counts_by_caller()
    {
        Assert.Equal(200, (await mesh.SendAsync("percaller", "http", "/who/")).Status);
        Assert.Equal(429, (await mesh.SendAsync("percaller", "http", "/who/")).Status);
    }

    [Fact]
    public async Task More_than_the_app_can_take_is_shed()
    {
        using var shed = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.CreateHttpClient(mesh.App, "shed", "http");
        var held = mesh.SendAsync("shed", "http", "/hold/shed");
        await mesh.UntilAsync(async () => await shed.GetStringAsync("/count/shed", mesh.Limit) == "1", "the first request runs");
        var refused = await mesh.SendAsync("shed", "http", "/who/", "POST");
        Assert.Equal((503, "OM"), (refused.Status, refused.Flag));
        await shed.GetStringAsync("/let-go/shed", mesh.Limit);
        Assert.Equal(200, (await held).Status);
    }

    [Fact]
    public async Task A_token_is_asked_for_and_its_claims_decide()
    {
        Assert.Equal(401, (await mesh.SendAsync("tokens", "http", "/who/")).Status);
        Assert.Equal(401, (await mesh.SendAsync("tokens", "http", "/who/", "GET", ("Authorization", "Bearer rubbish"))).Status);
        Assert.Equal(403, (await mesh.SendAsync("tokens", "http", "/who/", "GET", ("Authorization", "Bearer " + mesh.Token("visitor")))).Status);
        Assert.Equal(200, (await mesh.SendAsync("tokens", "http", "/who/", "GET", ("Authorization", "Bearer " + mesh.Token("buyer")))).Status);
    }
}
