using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Http.Features;

/// <summary>Paths that misbehave as told, so that a policy has something to act on. Counters and marks are kept by key; each process has its own.</summary>
internal static class FaultyPaths
{
    /// <summary>REFUSED_STREAM of RFC 9113 section 7.</summary>
    private const int RefusedStream = 7;

    private static readonly ConcurrentDictionary<string, int> s_counts = new();
    private static readonly ConcurrentDictionary<string, TaskCompletionSource> s_gates = new();

    public static void Map(WebApplication app, string name)
    {
        app.Map("/who/{**rest}", () => $"{name} {Environment.ProcessId}");
        app.Map("/status/{status:int}", (int status) => Results.StatusCode(status));
        app.Map("/count/{key}", (string key) => s_counts.GetValueOrDefault(key).ToString(CultureInfo.InvariantCulture));
        app.Map("/add/{key}", (string key) => Next(key).ToString(CultureInfo.InvariantCulture));

        // Answers with a status for the first requests of a key, then with how many there were; with when to come back, where the query says so.
        app.Map("/fail-first/{key}/{times:int}/{status:int}", (string key, int times, int status, HttpContext context) =>
        {
            if (Next(key) is var n && n > times) return Results.Text($"{n}");
            if (context.Request.Query.TryGetValue("after", out var seconds)) context.Response.Headers.RetryAfter = seconds;
            return Results.StatusCode(status);
        });
        app.Map("/grpc-fail-first/{key}", (string key, HttpResponse response) =>
        {
            var n = Next(key);
            response.ContentType = "application/grpc";
            response.Headers["grpc-status"] = n == 1 ? "14" : "0";
            response.Headers["x-calls"] = $"{n}";
        });

        // Over HTTP/2 alone: the first stream of a key is refused, and the next answers with what it was sent.
        app.Map("/refuse-first/{key}", async (string key, HttpContext context) =>
        {
            using var body = new StreamReader(context.Request.Body);
            var sent = await body.ReadToEndAsync();
            if (Next(key) == 1) context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(RefusedStream);
            else await context.Response.WriteAsync($"{s_counts[key]} {sent}");
        });

        // The first request of a key hangs until its caller leaves, every later one answers.
        app.Map("/hang-first/{key}", async (string key, HttpContext context) =>
        {
            var n = Next(key);
            if (n == 1) await Gone(context).Task;
            await context.Response.WriteAsync($"{n}");
        });
        app.Map("/hang", (HttpContext context) => Gone(context).Task);

        // Answers only once its key is let go; the count of the key says how many came in.
        app.Map("/hold/{key}", async (string key, HttpContext context) =>
        {
            Next(key);
            await Gate(key).Task.WaitAsync(context.RequestAborted);
            return "let go";
        });
        app.Map("/let-go/{key}", (string key) => { Gate(key).TrySetResult(); });

        // Begins a response and then says nothing more.
        app.Map("/fall-silent", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("begun");
            await context.Response.Body.FlushAsync();
            await Gone(context).Task;
        });
        MapMarks(app);
        app.Map("/request/{**rest}", (HttpRequest request) => Results.Text(string.Join('\n',
            [$"{request.Method} {request.Path}{request.QueryString}", .. request.Headers.Select(h => $"{h.Key.ToLowerInvariant()}: {h.Value}")])));
    }

    /// <summary>What one process of several does when it is marked.</summary>
    private static void MapMarks(WebApplication app)
    {
        // One process of several is marked bad, or well again: each hears it, and the one with that id obeys.
        app.Map("/mark/{key}/{pid:int}", (string key, int pid) =>
        {
            if (pid == Environment.ProcessId) Next(key);
            return $"{Environment.ProcessId}";
        });
        app.Map("/unmark/{key}/{pid:int}", (string key, int pid) =>
        {
            if (pid == Environment.ProcessId) s_counts.TryRemove(key, out _);
            return $"{Environment.ProcessId}";
        });
        app.Map("/unless/{key}", (string key) => IsMarked(key) ? Results.StatusCode(500) : Results.Text($"{Environment.ProcessId}"));
        app.Map("/unless/{key}/{status:int}", (string key, int status) => IsMarked(key) ? Results.StatusCode(status) : Results.Text($"{Environment.ProcessId}"));
        app.Map("/break-if/{key}", (string key, HttpContext context) =>
        {
            if (IsMarked(key)) context.Abort();
            return $"{Environment.ProcessId}";
        });
        app.Map("/slow-if/{key}", async (string key) =>
        {
            await Task.Delay(IsMarked(key) ? 800 : 50);
            return $"{Environment.ProcessId}";
        });
    }

    public static bool IsMarked(string key) => s_counts.ContainsKey(key);

    private static int Next(string key) => s_counts.AddOrUpdate(key, 1, (_, n) => n + 1);

    private static TaskCompletionSource Gate(string key) => s_gates.GetOrAdd(key, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private static TaskCompletionSource Gone(HttpContext context)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        context.RequestAborted.Register(() => gone.TrySetResult());
        return gone;
    }
}
