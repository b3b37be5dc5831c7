using System.Net;
using AspireMesh.Proxy.Interception;

namespace AspireMesh.Proxy.Tests.Interception;

public class RedirectRulesTests
{
    [Theory]
    [InlineData(false, "127.0.0.0/8")]
    [InlineData(true, "::1/128")]
    public void The_rules_redirect_what_leaves_but_the_sidecars_own_loopback_and_names(bool six, string loopback) =>
        Assert.Equal(
            $"""
            *nat
            :ASPIREMESH_OUTPUT - [0:0]
            -I OUTPUT 1 -p tcp -j ASPIREMESH_OUTPUT
            -A ASPIREMESH_OUTPUT -m owner --uid-owner 15002 -j RETURN
            -A ASPIREMESH_OUTPUT -o lo -j RETURN
            -A ASPIREMESH_OUTPUT -d {loopback} -j RETURN
            -A ASPIREMESH_OUTPUT -p tcp --dport 53 -j RETURN
            -A ASPIREMESH_OUTPUT -p tcp -j REDIRECT --to-ports 15001
            COMMIT

            """.ReplaceLineEndings("\n"),
            new RedirectRules(15001, 15002).Text(six));

    [Theory]
    [InlineData("02001F900A2A0007", false, "10.42.0.7:8080")]
    [InlineData("02001F900A2A", false, null)]
    [InlineData("0A001F9000000000FD0000000000000000000000000000070000000000", true, "[fd00::7]:8080")]
    public void The_kernels_answer_is_read(string hex, bool six, string? expected) =>
        Assert.Equal(expected is null ? null : IPEndPoint.Parse(expected), OriginalDestination.Read(Convert.FromHexString(hex), six));

    [Theory]
    [InlineData]
    [InlineData("--port", "15001")]
    [InlineData("--port", "99999", "--user", "15002")]
    public async Task A_command_line_that_cannot_be_understood_is_2_and_says_what_to_type(params string[] args)
    {
        using var error = new StringWriter();
        Assert.Equal(2, await RedirectCommand.RunAsync(args, error));
        Assert.Contains("aspiremesh-proxy intercept --port PORT --user UID", error.ToString());
    }
}
