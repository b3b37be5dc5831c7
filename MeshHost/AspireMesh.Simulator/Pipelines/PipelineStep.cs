using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Pipelines;

/// <summary>A step of publishing.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineStep
{
    /// <summary>The name, unique among steps.</summary>
    public required string Name { get; init; }

    /// <summary>What it does.</summary>
    public required Func<PipelineStepContext, Task> Action { get; init; }

    /// <summary>A sentence about it.</summary>
    public string? Description { get; init; }

    /// <summary>The steps that run before it.</summary>
    public List<string> DependsOnSteps { get; init; } = [];

    /// <summary>The steps that run after it.</summary>
    public List<string> RequiredBySteps { get; init; } = [];

    /// <summary>Words to find it by.</summary>
    public List<string> Tags { get; init; } = [];

    /// <summary>The resource it works for.</summary>
    public IResource? Resource { get; set; }

    /// <summary>Runs it after another.</summary>
    public void DependsOn(string stepName) => DependsOnSteps.Add(stepName);

    /// <summary>Runs it after another.</summary>
    public void DependsOn(PipelineStep step) => DependsOnSteps.Add(step.Name);

    /// <summary>Runs it before another.</summary>
    public void RequiredBy(string stepName) => RequiredBySteps.Add(stepName);

    /// <summary>Runs it before another.</summary>
    public void RequiredBy(PipelineStep step) => RequiredBySteps.Add(step.Name);
}

/// <summary>What a run of the pipeline works on.</summary>
[Experimental("ASPIREPIPELINES001")]
public sealed class PipelineContext(DistributedApplicationModel model, DistributedApplicationExecutionContext executionContext, IServiceProvider serviceProvider, ILogger logger, CancellationToken cancellationToken)
{
    /// <summary>The model.</summary>
    public DistributedApplicationModel Model { get; } = model;

    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    /// <summary>The application's services.</summary>
    public IServiceProvider Services { get; } = serviceProvider;

    /// <summary>The pipeline's log.</summary>
    public ILogger Logger { get; } = logger;

    /// <summary>Ends the run.</summary>
    public CancellationToken CancellationToken { get; set; } = cancellationToken;

    /// <summary>What is printed at the end.</summary>
    public PipelineSummary Summary { get; } = new();
}

/// <summary>What a step works on.</summary>
[Experimental("ASPIREPIPELINES001")]
public sealed class PipelineStepContext
{
    /// <summary>The run.</summary>
    public required PipelineContext PipelineContext { get; init; }

    /// <summary>The step's own report.</summary>
    public required IReportingStep ReportingStep { get; init; }

    /// <summary>The model.</summary>
    public DistributedApplicationModel Model => PipelineContext.Model;

    /// <summary>Run or publish.</summary>
    public DistributedApplicationExecutionContext ExecutionContext => PipelineContext.ExecutionContext;

    /// <summary>The application's services.</summary>
    public IServiceProvider Services => PipelineContext.Services;

    /// <summary>The pipeline's log.</summary>
    public ILogger Logger => PipelineContext.Logger;

    /// <summary>Ends the step.</summary>
    public CancellationToken CancellationToken => PipelineContext.CancellationToken;

    /// <summary>What is printed at the end.</summary>
    public PipelineSummary Summary => PipelineContext.Summary;
}

/// <summary>What the pipeline prints at the end.</summary>
[Experimental("ASPIREPIPELINES001")]
public sealed class PipelineSummary
{
    private readonly Collection<PipelineSummaryItem> _items = [];

    /// <summary>The lines.</summary>
    public ReadOnlyCollection<PipelineSummaryItem> Items => new(_items);

    /// <summary>Adds a line.</summary>
    public void Add(string key, string value) => _items.Add(new PipelineSummaryItem(key, value, false));

    /// <summary>Adds a line of Markdown.</summary>
    public void Add(string key, MarkdownString value) => _items.Add(new PipelineSummaryItem(key, value.Value, true));
}

/// <summary>A line of the summary.</summary>
[Experimental("ASPIREPIPELINES001")]
public sealed class PipelineSummaryItem(string key, string value, bool enableMarkdown)
{
    /// <summary>Before the colon.</summary>
    public string Key { get; } = key;

    /// <summary>After it.</summary>
    public string Value { get; } = value;

    /// <summary>Whether the value is Markdown.</summary>
    public bool EnableMarkdown { get; } = enableMarkdown;
}

/// <summary>Text that is Markdown.</summary>
[Experimental("ASPIREPIPELINES001")]
public sealed class MarkdownString(string value)
{
    /// <summary>The text.</summary>
    public string Value { get; } = value;

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>How far a step is.</summary>
[Experimental("ASPIREPIPELINES001")]
public enum CompletionState
{
    /// <summary>It runs.</summary>
    InProgress,

    /// <summary>It is done.</summary>
    Completed,

    /// <summary>It is done, with a warning.</summary>
    CompletedWithWarning,

    /// <summary>It failed.</summary>
    CompletedWithError,
}

/// <summary>A step's report.</summary>
[Experimental("ASPIREPIPELINES001")]
public interface IReportingStep : IAsyncDisposable
{
    /// <summary>Writes a line.</summary>
    void Log(LogLevel logLevel, string message);

    /// <summary>Writes a line of Markdown.</summary>
    void Log(LogLevel logLevel, MarkdownString message);

    /// <summary>Says how the step ended.</summary>
    Task CompleteAsync(string completionText, CompletionState completionState = CompletionState.Completed, CancellationToken cancellationToken = default);

    /// <summary>Says how the step ended, in Markdown.</summary>
    Task CompleteAsync(MarkdownString completionText, CompletionState completionState = CompletionState.Completed, CancellationToken cancellationToken = default);
}

/// <summary>Where the command line's pipeline switches are kept.</summary>
[Experimental("ASPIREPIPELINES001")]
public class PipelineOptions
{
    /// <summary>Whether remembered values are forgotten first.</summary>
    public bool ClearCache { get; set; }

    /// <summary>The pipeline's log level.</summary>
    public string? LogLevel { get; set; }

    /// <summary>The folder to write to.</summary>
    public string? OutputPath { get; set; }

    /// <summary>The step to run, with those it needs.</summary>
    public string? Step { get; set; }
}

/// <summary>The steps every application has.</summary>
[Experimental("ASPIREPIPELINES001")]
public static class WellKnownPipelineSteps
{
    /// <summary>Runs in both modes before anything starts.</summary>
    public const string BeforeStart = "before-start";

    /// <summary>Checks where resources are deployed to.</summary>
    public const string ValidateComputeEnvironments = "validate-compute-environments";

    /// <summary>Finds parameters' values.</summary>
    public const string ProcessParameters = "process-parameters";

    /// <summary>Needed by <see cref="Publish"/>.</summary>
    public const string PublishPrereq = "publish-prereq";

    /// <summary>Everything that writes what deploys the application.</summary>
    public const string Publish = "publish";
}
