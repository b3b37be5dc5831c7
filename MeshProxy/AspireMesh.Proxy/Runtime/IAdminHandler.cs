using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Runtime;

/// <summary>Answers on the loopback admin listener: <c>/healthz</c>, <c>/readyz</c>, <c>/config</c>, <c>/metrics</c>.</summary>
internal interface IAdminHandler
{
    /// <summary>Answers one request.</summary>
    Task HandleAsync(HttpContext context);
}
