using AspireMesh.Protocol.Policies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace AspireMesh.Proxy.Outbound.Routing;

/// <summary>Applies a route's header edits: remove, set, add (Gateway API HTTPHeaderFilter).</summary>
internal static class HeaderEditor
{
    public static void Apply(HeaderEdits? edits, IHeaderDictionary headers)
    {
        if (edits is null) return;
        foreach (var name in edits.Remove) headers.Remove(name);
        foreach (var (name, value) in edits.Set) headers[name] = value;
        foreach (var (name, value) in edits.Add) headers[name] = StringValues.Concat(headers[name], value);
    }
}
