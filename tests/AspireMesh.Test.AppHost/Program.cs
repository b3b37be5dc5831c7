// Two projects, one of them twice, and a program that does not listen when it is asked to end and has a child of its own.
using Microsoft.Extensions.DependencyInjection;

var builder = DistributedApplication.CreateBuilder(args);
var back = builder.AddProject<Projects.AspireMesh_TestApp>("back").WithHttpEndpoint().WithReplicas(2).WithHttpHealthCheck("/health");
builder.AddProject<Projects.AspireMesh_TestApp>("front").WithHttpEndpoint().WithReference(back).WithHttpHealthCheck("/health").WaitFor(back);
builder.AddExecutable("stubborn", "sh", ".", "-c", "trap '' TERM; sleep 1000 & echo child $!; while true; do sleep 1; done");

// Whoever started this process learns which others belong to it.
builder.Eventing.Subscribe<AfterResourcesCreatedEvent>(async (created, cancellationToken) =>
{
    var notifications = created.Services.GetRequiredService<ResourceNotificationService>();
    using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    var seen = new HashSet<string>();
    await foreach (var @event in notifications.WatchAsync(limit.Token))
    {
        if (@event.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value is { } pid && seen.Add(@event.ResourceId))
        {
            Console.WriteLine($"pid of {@event.ResourceId}: {pid}");
        }

        if (seen.Count == 4)
        {
            break;
        }
    }

    Console.WriteLine("everything runs");
});
builder.Build().Run();
