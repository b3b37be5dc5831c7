using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Tests.Control;
using AspireMesh.TestKit;
using Grpc.Core;

namespace AspireMesh.Proxy.Tests.Executable;

public sealed class ExecutableTests
{
    [Theory]
    [InlineData(null, "names no bootstrap file")]
    [InlineData("{ not json", "is no bootstrap")]
    [InlineData("null", "holds no bootstrap")]
    [InlineData("{}", "is no bootstrap")]
    public async Task Without_a_bootstrap_it_ends_with_one_line(string? text, string reason)
    {
        await using var proxy = ProxyProcess.StartWith(text);
        var (code, errors) = await proxy.EndAsync();
        Assert.Equal(2, code);
        var line = Assert.Single(errors);
        Assert.Contains(reason, line);
        Assert.EndsWith("[MESH0306]", line);
        Assert.False(File.Exists(proxy.File));
    }

    [Fact]
    public async Task It_deletes_the_token_says_when_it_is_ready_and_ends_cleanly_when_asked()
    {
        var certificates = new TestCertificates();
        await using var plane = new FakeControlPlane(certificates);
        await plane.StartAsync();
        await using var proxy = ProxyProcess.Start(plane.Bootstrap("a-very-secret-token") with { Admin = $"127.0.0.1:{FreePort.Next()}" });
        plane.Send(Snapshot(certificates));
        await proxy.ReadyAsync();
        Assert.False(File.Exists(proxy.File));
        if (OperatingSystem.IsLinux())
        {
            Assert.DoesNotContain("a-very-secret-token", await File.ReadAllTextAsync($"/proc/{proxy.Id}/environ"));
            Assert.DoesNotContain("a-very-secret-token", await File.ReadAllTextAsync($"/proc/{proxy.Id}/cmdline"));
        }
        await proxy.TerminateAsync();
        var (code, errors) = await proxy.EndAsync();
        Assert.Equal((0, 0), (code, errors.Length));
    }

    [Fact]
    public async Task It_ends_when_asked_while_it_still_waits_for_its_control_plane()
    {
        var plane = new FakeControlPlane(new TestCertificates(), port: FreePort.Next());
        await using var proxy = ProxyProcess.Start(plane.Bootstrap() with { Admin = $"127.0.0.1:{FreePort.Next()}" });
        await ClientFixture.UntilAsync(() => !File.Exists(proxy.File));
        await proxy.TerminateAsync();
        Assert.Equal(0, (await proxy.EndAsync()).Code);
    }

    [Fact]
    public async Task A_refused_join_and_a_bad_first_snapshot_end_it_loudly()
    {
        var certificates = new TestCertificates();
        await using var refusing = new FakeControlPlane(certificates) { OnJoin = () => throw new RpcException(new Status(StatusCode.PermissionDenied, "used before")) };
        await refusing.StartAsync();
        await using var refused = ProxyProcess.Start(refusing.Bootstrap() with { Admin = $"127.0.0.1:{FreePort.Next()}" });
        await using var plane = new FakeControlPlane(certificates);
        await plane.StartAsync();
        await using var misled = ProxyProcess.Start(plane.Bootstrap() with { Admin = $"127.0.0.1:{FreePort.Next()}" });
        plane.Send(Snapshot(certificates) with { Requires = ["tomorrow"] });

        var join = await refused.EndAsync();
        Assert.Equal(3, join.Code);
        Assert.Contains("used before", Assert.Single(join.Errors));
        var snapshot = await misled.EndAsync();
        Assert.Equal(3, snapshot.Code);
        Assert.Contains("tomorrow", Assert.Single(snapshot.Errors));
    }

    private static MeshSnapshot Snapshot(TestCertificates certificates) => new()
    {
        Version = 1,
        Workload = "web",
        Instance = "web-1",
        Identity = certificates.IdOf("web"),
        TrustBundle = [certificates.RootPem],
        Inbound = new InboundSnapshot { Listen = $"127.0.0.1:{FreePort.Next()}" },
    };
}
