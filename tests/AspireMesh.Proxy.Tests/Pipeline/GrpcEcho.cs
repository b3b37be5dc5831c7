using Grpc.Core;

namespace AspireMesh.Proxy.Tests.Pipeline;

/// <summary>A gRPC service of strings with all four kinds of call, described by hand so that the tests need no compiled proto.</summary>
[BindServiceMethod(typeof(GrpcEcho), nameof(Bind))]
public class GrpcEcho
{
    private static readonly Marshaller<string> s_text = Marshallers.StringMarshaller;

    public static Method<string, string> Unary { get; } = Describe(MethodType.Unary, nameof(OnUnary));

    public static Method<string, string> Client { get; } = Describe(MethodType.ClientStreaming, nameof(OnClient));

    public static Method<string, string> Server { get; } = Describe(MethodType.ServerStreaming, nameof(OnServer));

    public static Method<string, string> Duplex { get; } = Describe(MethodType.DuplexStreaming, nameof(OnDuplex));

    public static void Bind(ServiceBinderBase binder, GrpcEcho service)
    {
        binder.AddMethod(Unary, service is null ? null : new UnaryServerMethod<string, string>(service.OnUnary));
        binder.AddMethod(Client, service is null ? null : new ClientStreamingServerMethod<string, string>(service.OnClient));
        binder.AddMethod(Server, service is null ? null : new ServerStreamingServerMethod<string, string>(service.OnServer));
        binder.AddMethod(Duplex, service is null ? null : new DuplexStreamingServerMethod<string, string>(service.OnDuplex));
    }

    public virtual async Task<string> OnUnary(string request, ServerCallContext context)
    {
        if (request.StartsWith("fail ", StringComparison.Ordinal)) throw new RpcException(new Status((StatusCode)int.Parse(request[5..]), "as asked"));
        if (request == "deadline") return (context.Deadline - DateTime.UtcNow).TotalSeconds.ToString("0", System.Globalization.CultureInfo.InvariantCulture);
        if (request == "hang") await Task.Delay(Timeout.Infinite, context.CancellationToken);
        context.ResponseTrailers.Add("x-trailer", "t");
        return "echo " + request;
    }

    public virtual async Task<string> OnClient(IAsyncStreamReader<string> requests, ServerCallContext context)
    {
        var all = new List<string>();
        await foreach (var one in requests.ReadAllAsync()) all.Add(one);
        return string.Join('+', all);
    }

    public virtual async Task OnServer(string request, IServerStreamWriter<string> responses, ServerCallContext context)
    {
        for (var i = 1; i <= 3; i++) await responses.WriteAsync($"{request}{i}");
    }

    public virtual async Task OnDuplex(IAsyncStreamReader<string> requests, IServerStreamWriter<string> responses, ServerCallContext context)
    {
        await foreach (var one in requests.ReadAllAsync()) await responses.WriteAsync("echo " + one);
    }

    private static Method<string, string> Describe(MethodType type, string name) => new(type, "test.Echo", name, s_text, s_text);
}
