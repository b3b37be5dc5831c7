using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AspireMesh.TestKit;

/// <summary>An app that answers every request with <c>hello</c> and counts what reached it: a request that was repeated on the way is counted twice.</summary>
public sealed class CountingApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _arrivals;

    private CountingApp(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.ListenLocalhost(port, o => o.Protocols = HttpProtocols.Http1));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        Address = $"127.0.0.1:{port}";
    }

    /// <summary>Where it listens, <c>host:port</c>.</summary>
    public string Address { get; }

    /// <summary>Requests that reached it.</summary>
    public long Arrivals => Interlocked.Read(ref _arrivals);

    /// <summary>Starts one on a free port.</summary>
    public static async Task<CountingApp> StartAsync()
    {
        var app = new CountingApp(FreePort.Next());
        await app._app.StartAsync();
        return app;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _arrivals);
        context.Response.ContentLength = 5;
        return context.Response.Body.WriteAsync("hello"u8.ToArray()).AsTask();
    }
}
