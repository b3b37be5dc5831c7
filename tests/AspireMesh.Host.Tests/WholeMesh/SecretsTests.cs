using System.Text.Json;
using AspireMesh.TestKit;
using Grpc.Core;

namespace AspireMesh.Host.Tests.WholeMesh;

/// <summary>Tokens and keys stay where they belong.</summary>
public class SecretsTests
{
    [Fact]
    public async Task No_log_and_no_answer_of_the_control_plane_or_a_sidecar_holds_a_token_or_a_key()
    {
        using var logs = new CapturedLogs();
        await using var mesh = await RealMesh.StartAsync(logs: logs);
        await mesh.Client.GetStringAsync("/");
        await mesh.RenewAllAsync();
        await mesh.Control.RotateRootAsync(CancellationToken.None);
        var refused = mesh.Control.IssueJoinToken("api", "api");
        await using (var thief = new FakeSidecar(mesh.Control.CreateBootstrap("web")))
        {
            await Assert.ThrowsAsync<RpcException>(() => thief.JoinAsync(refused));
        }

        var control = mesh.Control;
        string[] answers =
        [
            JsonSerializer.Serialize(control.GetStatus()), JsonSerializer.Serialize(control.Check()), JsonSerializer.Serialize(control.GetCertificates()),
            JsonSerializer.Serialize(control.GetRoutes()), JsonSerializer.Serialize(control.GetStat()), JsonSerializer.Serialize(control.GetConfig("web")), JsonSerializer.Serialize(control.GetConfig("api")),
            .. await mesh.AdminAnswersAsync(),
        ];
        Assert.Contains(logs.Lines, l => l.Contains("joined as", StringComparison.Ordinal));
        Assert.Contains(logs.Lines, l => l.Contains("MESH0300", StringComparison.Ordinal));
        string[] secrets = ["aspiremesh1.", control.AdminToken, "PRIVATE KEY"];
        Assert.DoesNotContain(logs.Lines.Concat(answers), text => secrets.Any(s => text.Contains(s, StringComparison.Ordinal)));
    }
}
