using System.Text;
using System.Text.Json;
using AspireMesh.Protocol;
using AspireMesh.Protocol.Snapshot;
using AspireMesh.Proxy.Runtime;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Admin;

/// <summary>Answers on the loopback admin listener. Reads only; nothing here changes the sidecar.</summary>
internal sealed class AdminHandler(SidecarState state, Readiness readiness, PrometheusMetrics metrics) : IAdminHandler
{
    private const string PlainText = "text/plain; charset=utf-8";
    private const string PrometheusContent = "text/plain; version=0.0.4; charset=utf-8";

    /// <inheritdoc/>
    public Task HandleAsync(HttpContext context)
    {
        // A page in a browser on this machine must not read it by a name that resolves to loopback (DNS rebinding).
        if (!IsLoopbackName(context.Request.Host.Host)) return AnswerAsync(context, StatusCodes.Status403Forbidden, PlainText, "ask for it by 127.0.0.1 or localhost\n");
        if (context.Request.Method is not ("GET" or "HEAD")) return AnswerAsync(context, StatusCodes.Status405MethodNotAllowed, PlainText, "GET only\n");
        return context.Request.Path.Value switch
        {
            "/healthz" => AnswerAsync(context, StatusCodes.Status200OK, PlainText, "ok\n"),
            "/readyz" => ReadyAsync(context),
            "/config" => ConfigAsync(context),
            "/metrics" => AnswerAsync(context, StatusCodes.Status200OK, PrometheusContent, metrics.Collect()),
            _ => AnswerAsync(context, StatusCodes.Status404NotFound, PlainText, "try /healthz, /readyz, /config or /metrics\n"),
        };
    }

    private static bool IsLoopbackName(string host) =>
        host.Length == 0 || string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) || System.Net.IPAddress.TryParse(host.Trim('[', ']'), out _);

    private Task ReadyAsync(HttpContext context)
    {
        var problems = readiness.Problems();
        var text = new StringBuilder(problems.Count == 0 ? "ready\n" : "not ready\n");
        foreach (var line in problems) text.Append(line).Append('\n');
        foreach (var line in readiness.Notes()) text.Append(line).Append('\n');
        return AnswerAsync(context, problems.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, PlainText, text.ToString());
    }

    private Task ConfigAsync(HttpContext context)
    {
        if (state.Snapshot is not { } snapshot) return AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, PlainText, "no snapshot yet\n");
        return AnswerAsync(context, StatusCodes.Status200OK, "application/json", JsonSerializer.Serialize(WithoutSecrets(snapshot), MeshJson.Default.MeshSnapshot));
    }

    // A gateway's PEM holds its private key; the certificate alone is no secret, but nobody needs it from here.
    private static MeshSnapshot WithoutSecrets(MeshSnapshot snapshot) => snapshot with
    {
        Gateways = [.. snapshot.Gateways.Select(g => g.CertificatePem is null ? g : g with { CertificatePem = "(not shown)" })],
    };

    private static async Task AnswerAsync(HttpContext context, int status, string contentType, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        if (context.Request.Method == "HEAD") return;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }
}
