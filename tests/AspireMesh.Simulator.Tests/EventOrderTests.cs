using System.Collections.Concurrent;
using Aspire.Hosting.Lifecycle;

namespace AspireMesh.Simulator.Tests;

public class EventOrderTests
{
    [Fact]
    public async Task Events_come_in_the_documented_order()
    {
        var seen = new ConcurrentQueue<string>();
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.Services.AddSingleton(seen);
        builder.Services.AddEventingSubscriber<Subscriber>();
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => Note(seen, "BeforeStart direct"));
        builder.Eventing.Subscribe<AfterResourcesCreatedEvent>((_, _) => Note(seen, "AfterResourcesCreated"));
        var back = builder.AddTestApp("back").WithHttpHealthCheck("/health");
        back.OnResourceEndpointsAllocated((_, _, _) => Note(seen, "EndpointsAllocated"));
        back.OnBeforeResourceStarted((_, _, _) => Note(seen, "BeforeResourceStarted"));
        var isReady = new TaskCompletionSource();
        back.OnResourceReady((_, _, _) =>
        {
            seen.Enqueue("Ready");
            isReady.TrySetResult();
            return Task.CompletedTask;
        });
        back.WithEnvironment(_ => seen.Enqueue("environment"));
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);
        await isReady.Task.WaitAsync(TestApp.Patience);

        string[] ofTheResource = ["BeforeStart direct", "BeforeStart subscriber", "EndpointsAllocated", "BeforeResourceStarted", "environment", "Ready"];
        Assert.Equal(ofTheResource, seen.Where(ofTheResource.Contains));
        Assert.Equal(1, seen.Count(s => s == "AfterResourcesCreated"));
    }

    [Fact]
    public async Task Every_resource_is_initialized_before_any_endpoint_is_allocated()
    {
        var initialized = new TaskCompletionSource();
        var wasAllocated = false;
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var back = builder.AddTestApp("back");
        back.OnInitializeResource((_, _, _) =>
        {
            initialized.TrySetResult();
            return Task.CompletedTask;
        });
        back.OnResourceEndpointsAllocated(async (r, _, _) =>
        {
            await initialized.Task.WaitAsync(TestApp.Patience);
            wasAllocated = r.GetEndpoint("http").IsAllocated;
        });
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        Assert.True(wasAllocated);
    }

    [Fact]
    public async Task All_endpoints_have_addresses_before_the_first_resource_hears_of_its_own()
    {
        var others = new ConcurrentQueue<bool>();
        await using var builder = DistributedApplicationTestingBuilder.Create();
        IResourceBuilder<ExecutableResource>[] both = [builder.AddTestApp("one"), builder.AddTestApp("two")];
        foreach (var resource in both)
        {
            resource.OnResourceEndpointsAllocated((_, _, _) =>
            {
                others.Enqueue(both.All(b => b.Resource.GetEndpoint("http").IsAllocated));
                return Task.CompletedTask;
            });
        }

        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        Assert.Equal([true, true], others);
    }

    [Fact]
    public async Task A_failing_BeforeStart_handler_ends_the_start()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) => throw new InvalidDataException("not like this"));
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await Assert.ThrowsAsync<InvalidDataException>(() => app.StartAsync(TestApp.Patience));
    }

    [Fact]
    public async Task A_failing_BeforeResourceStarted_handler_fails_its_resource_only()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddTestApp("broken").OnBeforeResourceStarted((_, _, _) => throw new InvalidDataException("not like this"));
        builder.AddTestApp("fine");
        await using var app = await builder.BuildAsync(TestApp.Patience);

        await app.StartAsync(TestApp.Patience);

        await app.ResourceNotifications.WaitForResourceAsync("broken", KnownResourceStates.FailedToStart, TestApp.Patience);
        await app.ResourceNotifications.WaitForResourceAsync("fine", KnownResourceStates.Running, TestApp.Patience);
    }

    [Fact]
    public async Task A_handler_added_while_an_event_runs_misses_that_event()
    {
        var seen = new List<string>();
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var eventing = new DistributedApplicationEventing();
        eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            eventing.Subscribe<BeforeStartEvent>((_, _) => Task.Run(() => seen.Add("late")));
            return Task.CompletedTask;
        });

        await eventing.PublishAsync(new BeforeStartEvent(null!, null!), TestApp.Patience);

        Assert.Empty(seen);
    }

    private static Task Note(ConcurrentQueue<string> seen, string what)
    {
        seen.Enqueue(what);
        return Task.CompletedTask;
    }

    private sealed class Subscriber(ConcurrentQueue<string> seen) : IDistributedApplicationEventingSubscriber
    {
        public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
        {
            eventing.Subscribe<BeforeStartEvent>((_, _) => Note(seen, "BeforeStart subscriber"));
            return Task.CompletedTask;
        }
    }
}
