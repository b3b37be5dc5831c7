using AspireMesh.Protocol.Faults;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults.Kinds;

/// <summary>Sets the header <see cref="Fault.Name"/> to <see cref="Fault.Value"/>, or takes it away where there is no value. Reads <see cref="Fault.Direction"/>.</summary>
internal sealed class HeaderFault(Fault fault) : IExchangeFault
{
    public bool AppliesTo(HttpRequest? request) => request is not null;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation)
    {
        if (fault.Direction != "response") Edit(request.Headers, request.Content);
        var response = await next(request, cancellation);
        if (fault.Direction != "request") Edit(response.Headers, response.Content);
        return response;
    }

    private void Edit(System.Net.Http.Headers.HttpHeaders headers, HttpContent? content)
    {
        // Content headers (Content-Type among them) stand apart in this API; one of the two takes the name.
        var name = fault.Name!;
        var holder = headers.TryAddWithoutValidation(name, "") ? headers : content?.Headers.TryAddWithoutValidation(name, "") == true ? content.Headers : null;
        holder?.Remove(name);
        if (fault.Value is { } value) holder?.TryAddWithoutValidation(name, value);
    }
}
