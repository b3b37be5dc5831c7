using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using AspireMesh.Host.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Rehearsal.StandIn;

/// <summary>
/// A stand-in for a Kubernetes API server: the calls that the control plane makes (objects of one namespace with versions and watches, TokenReview, port-forward),
/// behaving as the API conventions say, and nothing else. What goes wrong in a cluster can be made to go wrong here: permissions, lost and forgotten watches,
/// conflicts, a server that is away.
/// </summary>
internal sealed class StandInApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly HashSet<(string Verb, string Kind)> _forbidden = [];
    private readonly List<string> _calls = [];
    private CancellationTokenSource _watches = new();
    private int _conflicts;

    private StandInApi(string ns, string listen)
    {
        Namespace = ns;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(HostPort.Parse(listen).ToEndPoint()));
        _app = builder.Build();
        _app.UseWebSockets();
        _app.Run(AnswerAsync);
    }

    public string Namespace { get; }

    public StoredObjects Objects { get; } = new();

    public PodTokens Tokens { get; } = new();

    /// <summary>Where a pod's loopback ports are; gives the port of this machine that stands for one. Null where port-forwarding is not offered.</summary>
    public Func<string, int, IPEndPoint?>? PodPorts { get; set; }

    /// <summary>What may be asked; null where anything may.</summary>
    public GrantedRights? Rights { get; set; }

    /// <summary><c>http://host:port</c>.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What was asked, as <c>verb resource</c> or <c>verb resource/name</c>, in order.</summary>
    public IReadOnlyList<string> Calls { get { lock (_gate) return [.. _calls]; } }

    /// <summary>Answers everything with 503 while set: the server is there and of no use.</summary>
    public bool IsAway { get; set; }

    public static async Task<StandInApi> StartAsync(string ns, string listen = "127.0.0.1:0", CancellationToken cancellationToken = default)
    {
        var api = new StandInApi(ns, listen);
        await ListenFailure.Explain(listen, "stand-in API server", () => api._app.StartAsync(cancellationToken));
        api.Address = api._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return api;
    }

    /// <summary>Refuses a verb on a resource, as missing permission does.</summary>
    public void Forbid(string verb, string kind)
    {
        lock (_gate) _forbidden.Add((verb, kind));
    }

    /// <summary>Takes that back.</summary>
    public void Allow(string verb, string kind)
    {
        lock (_gate) _forbidden.Remove((verb, kind));
    }

    /// <summary>The next so many writes conflict.</summary>
    public void ConflictNext(int writes) => Interlocked.Exchange(ref _conflicts, writes);

    /// <summary>Ends every open watch, as a server does when it restarts.</summary>
    public void CutWatches()
    {
        CancellationTokenSource before;
        lock (_gate) (before, _watches) = (_watches, new CancellationTokenSource());
        before.Cancel();
        before.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        CutWatches();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _watches.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.Trim('/').Split('/');
        if (IsAway) return RefuseAsync(context, 503, "ServiceUnavailable", "the stand-in is away");
        return path switch
        {
            ["apis", "authentication.k8s.io", "v1", "tokenreviews"] => ReviewAsync(context),
            ["api", "v1", "namespaces", var ns, "pods", var pod, "portforward"] when ns == Namespace => PodPortForward.AnswerAsync(context, pod, PodPorts),
            ["api", "v1", "namespaces", var ns, var kind, .. var name] when ns == Namespace && name.Length <= 1 => ResourceAsync(context, "v1", kind, name.FirstOrDefault()),
            ["apis", var group, var version, "namespaces", var ns, var kind, .. var name] when ns == Namespace && name.Length <= 1 =>
                ResourceAsync(context, $"{group}/{version}", kind, name.FirstOrDefault()),
            _ => RefuseAsync(context, 404, "NotFound", $"the stand-in does not know {context.Request.Path}"),
        };
    }

    private async Task ReviewAsync(HttpContext context)
    {
        if (!await AllowedAsync(context, "create", "authentication.k8s.io", "tokenreviews", null)) return;
        await WriteAsync(context, 201, Tokens.Review(await ReadAsync(context)));
    }

    private async Task ResourceAsync(HttpContext context, string apiVersion, string kind, string? name)
    {
        var watch = context.Request.Query["watch"] == "true";
        var verb = context.Request.Method switch
        {
            "GET" when name is not null => "get",
            "GET" when watch => "watch",
            "GET" => "list",
            "POST" => "create",
            "PUT" => "update",
            "DELETE" => "delete",
            _ => "",
        };
        var group = apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion[..apiVersion.IndexOf('/', StringComparison.Ordinal)] : "";
        if (!await AllowedAsync(context, verb, group, kind, name ?? NameIn(context))) return;
        switch (verb)
        {
            case "get":
                await (Objects.Read(kind, name!) is { } found ? WriteAsync(context, 200, found) : RefuseAsync(context, 404, "NotFound", $"{kind} \"{name}\" not found"));
                break;
            case "list":
                await ListAsync(context, apiVersion, kind);
                break;
            case "watch":
                await WatchAsync(context, kind);
                break;
            case "create" or "update":
                await ChangeAsync(context, kind, verb == "create");
                break;
            case "delete":
                await (Objects.Delete(kind, name!) ? WriteAsync(context, 200, new JsonObject { ["kind"] = "Status", ["status"] = "Success" }) : RefuseAsync(context, 404, "NotFound", $"{kind} \"{name}\" not found"));
                break;
            default:
                await RefuseAsync(context, 405, "MethodNotAllowed", $"the stand-in has no {context.Request.Method} for {kind}");
                break;
        }
    }

    /// <summary>The one object that a list or a watch is narrowed to, as permissions by name take it.</summary>
    private static string? NameIn(HttpContext context)
    {
        const string ByName = "metadata.name=";
        var selector = context.Request.Query["fieldSelector"].ToString();
        return selector.StartsWith(ByName, StringComparison.Ordinal) ? selector[ByName.Length..] : null;
    }

    private async Task<bool> AllowedAsync(HttpContext context, string verb, string group, string kind, string? name)
    {
        bool forbidden;
        lock (_gate)
        {
            _calls.Add(name is null ? $"{verb} {kind}" : $"{verb} {kind}/{name}");
            forbidden = _forbidden.Contains((verb, kind)) || Rights?.Allows(verb, group, kind, name) == false;
        }
        if (forbidden) await RefuseAsync(context, 403, "Forbidden", $"User \"system:serviceaccount:{Namespace}:aspiremesh-control-plane\" cannot {verb} resource \"{kind}\"{(name is null ? "" : $" named \"{name}\"")}");
        return !forbidden;
    }

    private Task ListAsync(HttpContext context, string apiVersion, string kind)
    {
        var (items, version) = Objects.List(kind, Selection(context));
        var list = new JsonObject
        {
            ["kind"] = "List",
            ["apiVersion"] = apiVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = version.ToString(CultureInfo.InvariantCulture) },
            ["items"] = new JsonArray([.. items]),
        };
        return WriteAsync(context, 200, list);
    }

    private async Task ChangeAsync(HttpContext context, string kind, bool isNew)
    {
        var value = await ReadAsync(context);
        if (Interlocked.Decrement(ref _conflicts) >= 0)
        {
            await RefuseAsync(context, 409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again");
            return;
        }
        JsonObject? written;
        var refusal = isNew ? Objects.Create(kind, value, out written) : Objects.Replace(kind, value, out written);
        await (refusal switch
        {
            WriteRefusal.Exists => RefuseAsync(context, 409, "AlreadyExists", $"{kind} already exists"),
            WriteRefusal.Conflict => RefuseAsync(context, 409, "Conflict", "the object has been modified; please apply your changes to the latest version and try again"),
            WriteRefusal.Missing => RefuseAsync(context, 404, "NotFound", $"{kind} not found"),
            _ => WriteAsync(context, isNew ? 201 : 200, written!),
        });
    }

    private async Task WatchAsync(HttpContext context, string kind)
    {
        var version = long.TryParse(context.Request.Query["resourceVersion"], CultureInfo.InvariantCulture, out var from) ? from : Objects.Version;
        CancellationToken cut;
        lock (_gate) cut = _watches.Token;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cut, context.RequestAborted);
        var selected = Selection(context);
        context.Response.ContentType = "application/json";
        try
        {
            await context.Response.StartAsync(ending.Token);
            while (true)
            {
                if (Objects.After(version, kind) is not { } next)
                {
                    // A server says so inside the stream, whose status is already 200.
                    await LineAsync(context, "ERROR", Status(410, "Expired", $"too old resource version: {version}"));
                    return;
                }
                foreach (var change in next.Changes)
                {
                    version = change.Version;
                    if (selected(change.Object)) await LineAsync(context, change.Type, change.Object.DeepClone().AsObject());
                }
                await next.More.WaitAsync(ending.Token);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            if (!context.RequestAborted.IsCancellationRequested) context.Abort();
        }
    }

    private static async Task LineAsync(HttpContext context, string type, JsonObject value)
    {
        await context.Response.WriteAsync(new JsonObject { ["type"] = type, ["object"] = value }.ToJsonString() + "\n");
        await context.Response.Body.FlushAsync();
    }

    // The two forms of selectors that are asked here: a label that is there or has a value, and one object by name.
    private static Func<JsonObject, bool> Selection(HttpContext context)
    {
        var label = context.Request.Query["labelSelector"].ToString().Split('=', 2);
        var field = context.Request.Query["fieldSelector"].ToString().Split('=', 2);
        return value =>
            (label[0].Length == 0 || (value["metadata"]?["labels"]?[label[0]] is { } found && (label.Length == 1 || (string?)found == label[1])))
            && (field is not ["metadata.name", var name] || (string?)value["metadata"]?["name"] == name);
    }

    private static async Task<JsonObject> ReadAsync(HttpContext context) =>
        (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!.AsObject();

    private static Task RefuseAsync(HttpContext context, int code, string reason, string message) => WriteAsync(context, code, Status(code, reason, message));

    private static JsonObject Status(int code, string reason, string message) => new()
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["status"] = "Failure",
        ["message"] = message,
        ["reason"] = reason,
        ["code"] = code,
    };

    private static async Task WriteAsync(HttpContext context, int code, JsonObject value)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value);
    }
}
