using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>Copies the head of a destination's answer into the answer to the caller.</summary>
internal static class ResponseWriter
{
    public static void CopyHead(ResponseHead head, ReadOnlySpan<byte> bytes, HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = head.Status;
        var reason = bytes[head.Reason];
        if (!Ascii.Equals(reason, ReasonPhrases.GetReasonPhrase(head.Status))) context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = Encoding.Latin1.GetString(reason);
        var headers = response.Headers;
        foreach (var field in head.Fields)
        {
            var text = HeaderTexts.Find(bytes[field.Name]);
            if (text.IsHopByHop || text.IsContentLength || (head.NamesFields && head.IsNamedByConnection(bytes, bytes[field.Name]))) continue;
            var before = headers[text.Name];
            headers[text.Name] = before.Count == 0 ? text.ValueOf(bytes[field.Value]) : StringValues.Concat(before, text.ValueOf(bytes[field.Value]));
        }
        // Announced with an answer that has no body (to HEAD, 304) it goes on; 204 may not have one (RFC 9110 8.6), and 205 has none to announce.
        if (head.Length >= 0 && head.Status is not (204 or 205)) headers.ContentLength = head.Length;
    }
}
