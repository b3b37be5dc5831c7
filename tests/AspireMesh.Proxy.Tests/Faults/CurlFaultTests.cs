using System.Diagnostics;
using AspireMesh.Proxy.Tests.Pipeline;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Tests.Faults;

/// <summary>A client that knows nothing of .NET.</summary>
public class CurlFaultTests
{
    [Theory]
    [InlineData("abort", 0, "503")]
    [InlineData("truncate", 56, "200")]
    [InlineData("rate-limit", 0, "429")]
    public async Task Curl_sees_what_it_would_see_of_a_real_failure(string which, int exit, string status)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/curl"), "curl is not installed: apt-get install curl");
        await using var pair = await HttpPair.StartAsync(static c =>
        {
            c.Response.ContentLength = 16;
            return c.Response.WriteAsync("0123456789abcdef");
        }, new HttpPairOptions().With(FaultPair.Rule(HttpFaultTests.FaultOf(which))));
        using var curl = Process.Start(new ProcessStartInfo("/usr/bin/curl", ["--silent", "--output", "/dev/null", "--noproxy", "*", "--write-out", "%{http_code}", pair.Client.BaseAddress!.ToString()]) { RedirectStandardOutput = true })!;
        var printed = await curl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await curl.WaitForExitAsync(TestContext.Current.CancellationToken);
        // A reset can overtake the head that was sent before it: then curl has no status at all.
        Assert.True(printed == status || (exit == 56 && printed == "000"), printed);
        // A cut shows as "partial file" (18) or as a reset (56), whichever curl meets first.
        Assert.True(curl.ExitCode == exit || (exit == 56 && curl.ExitCode == 18), $"{curl.ExitCode}");
    }
}
