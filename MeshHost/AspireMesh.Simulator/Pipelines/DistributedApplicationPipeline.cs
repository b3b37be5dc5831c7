using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Pipelines;

/// <summary>Collects steps and runs them one by one in the order they need.</summary>
internal sealed class DistributedApplicationPipeline : IDistributedApplicationPipeline
{
    private readonly List<Func<PipelineConfigurationContext, Task>> _configurations = [];
    private readonly List<PipelineStep> _steps = [];

    public void AddStep(string name, Func<PipelineStepContext, Task> action, object? dependsOn = null, object? requiredBy = null) =>
        AddStep(new PipelineStep { Name = name, Action = action, DependsOnSteps = Names(dependsOn), RequiredBySteps = Names(requiredBy) });

    public void AddStep(PipelineStep step)
    {
        if (_steps.Any(s => s.Name == step.Name))
        {
            throw new InvalidOperationException($"A step with the name '{step.Name}' has already been added to the pipeline.");
        }

        _steps.Add(step);
    }

    public void AddPipelineConfiguration(Func<PipelineConfigurationContext, Task> callback) => _configurations.Add(callback);

    public Task ExecuteAsync(PipelineContext context) =>
        ExecuteAsync(context, context.Services.GetRequiredService<IOptions<PipelineOptions>>().Value.Step ?? WellKnownPipelineSteps.Publish);

    public async Task ExecuteAsync(PipelineContext context, string target)
    {
        var steps = await CollectAsync(context).ConfigureAwait(false);
        var configuration = new PipelineConfigurationContext { Services = context.Services, Model = context.Model, Steps = steps };
        foreach (var configure in _configurations.Concat(context.Model.Resources.SelectMany(r => r.Annotations.OfType<PipelineConfigurationAnnotation>()).Select(a => a.Callback)))
        {
            await configure(configuration).ConfigureAwait(false);
        }

        foreach (var step in StepOrder.Sort(steps, target))
        {
            await RunAsync(context, step).ConfigureAwait(false);
        }
    }

    private static async Task RunAsync(PipelineContext context, PipelineStep step)
    {
        context.CancellationToken.ThrowIfCancellationRequested();
        var report = new LoggedStep(context.Logger, step.Name);
        await using (report.ConfigureAwait(false))
        {
            try
            {
                await step.Action(new PipelineStepContext { PipelineContext = context, ReportingStep = report }).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw new DistributedApplicationException($"Step '{step.Name}' failed: {exception.Message}", exception);
            }
        }
    }

    private async Task<List<PipelineStep>> CollectAsync(PipelineContext context)
    {
        var steps = new List<PipelineStep>();
        foreach (var name in (string[])[WellKnownPipelineSteps.BeforeStart, WellKnownPipelineSteps.ValidateComputeEnvironments, WellKnownPipelineSteps.ProcessParameters, WellKnownPipelineSteps.PublishPrereq, WellKnownPipelineSteps.Publish])
        {
            steps.Add(new PipelineStep { Name = name, Action = _ => Task.CompletedTask });
        }

        steps[1].RequiredBy(steps[0]);
        steps[2].RequiredBy(steps[3]);
        steps[3].RequiredBy(steps[4]);
        steps.AddRange(_steps);
        foreach (var resource in context.Model.Resources)
        {
            foreach (var annotation in resource.Annotations.OfType<PipelineStepAnnotation>().ToList())
            {
                foreach (var step in await annotation.CreateStepsAsync(new PipelineStepFactoryContext { PipelineContext = context, Resource = resource }).ConfigureAwait(false))
                {
                    step.Resource ??= resource;
                    steps.Add(step);
                }
            }
        }

        return steps;
    }

    private static List<string> Names(object? names) => names switch
    {
        null => [],
        string name => [name],
        IEnumerable<string> several => [.. several],
        _ => throw new ArgumentException($"A step's name or names were expected, not a {names.GetType().Name}.", nameof(names)),
    };

    private sealed class LoggedStep(ILogger logger, string name) : IReportingStep
    {
        public void Log(LogLevel logLevel, string message) => logger.Log(logLevel, "{Step}: {Message}", name, message);

        public void Log(LogLevel logLevel, MarkdownString message) => Log(logLevel, message.Value);

        public Task CompleteAsync(string completionText, CompletionState completionState = CompletionState.Completed, CancellationToken cancellationToken = default)
        {
            Log(completionState switch
            {
                CompletionState.CompletedWithError => LogLevel.Error,
                CompletionState.CompletedWithWarning => LogLevel.Warning,
                _ => LogLevel.Information,
            }, completionText);
            return Task.CompletedTask;
        }

        public Task CompleteAsync(MarkdownString completionText, CompletionState completionState = CompletionState.Completed, CancellationToken cancellationToken = default) =>
            CompleteAsync(completionText.Value, completionState, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
