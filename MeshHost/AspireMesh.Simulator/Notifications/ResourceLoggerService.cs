using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A line of a resource's log.</summary>
/// <param name="LineNumber">From 1.</param>
/// <param name="Content">The text, after a UTC time stamp.</param>
/// <param name="IsErrorMessage">Whether it came from standard error or an error was logged.</param>
public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>Whether anyone watches a log.</summary>
/// <param name="Name">The instance's id.</param>
/// <param name="AnySubscribers">Whether anyone does.</param>
public readonly record struct LogSubscriber(string Name, bool AnySubscribers);

/// <summary>The logs of the resources' instances. Names given as text are instance ids.</summary>
public class ResourceLoggerService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceLog> _logs = new(StringComparer.OrdinalIgnoreCase);
    private readonly Channel<LogSubscriber> _subscriberChanges = Channel.CreateUnbounded<LogSubscriber>();

    internal TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Gets each line as it is written; for the AppHost's own log.</summary>
    internal Action<string, string, bool>? LineWritten { get; set; }

    /// <summary>Writes into the logs of a resource's instances.</summary>
    public ILogger GetLogger(IResource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new Writer(this, resource.GetInstanceIds);
    }

    /// <summary>Writes into an instance's log.</summary>
    public ILogger GetLogger(string resourceName)
    {
        ArgumentException.ThrowIfNullOrEmpty(resourceName);
        IReadOnlyList<string> ids = [resourceName];
        return new Writer(this, () => ids);
    }

    /// <summary>The lines so far in one batch, then batches of new ones, of all instances.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource) => WatchAllAsync(resource);

    /// <summary>The lines so far in one batch, then batches of new ones.</summary>
    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => Log(resourceName).WatchAsync();

    /// <summary>The lines so far.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
    {
        foreach (var id in resource.GetInstanceIds())
        {
            await foreach (var lines in GetAllAsync(id).ConfigureAwait(false))
            {
                yield return lines;
            }
        }
    }

    /// <summary>The lines so far.</summary>
    public async IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var lines = Log(resourceName).Snapshot();
        if (lines.Count > 0)
        {
            yield return lines;
        }
    }

    /// <summary>Who begins and ends watching.</summary>
    public IAsyncEnumerable<LogSubscriber> WatchAnySubscribersAsync(CancellationToken cancellationToken = default) => _subscriberChanges.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Nothing more is written; watches end.</summary>
    public void Complete(IResource resource)
    {
        foreach (var id in resource.GetInstanceIds())
        {
            Complete(id);
        }
    }

    /// <summary>Nothing more is written; watches end.</summary>
    public void Complete(string name) => Log(name).Complete();

    /// <summary>Forgets the lines so far.</summary>
    public void ClearBacklog(string resourceName) => Log(resourceName).Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var log in _logs.Values)
        {
            log.Complete();
        }

        _subscriberChanges.Writer.TryComplete();
        GC.SuppressFinalize(this);
    }

    internal void Append(string id, string text, bool isError)
    {
        var stamp = TimeProvider.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffK", CultureInfo.InvariantCulture);
        Log(id).Append($"{stamp} {text}", isError);
        LineWritten?.Invoke(id, text, isError);
    }

    private ResourceLog Log(string id) => _logs.GetOrAdd(id, static (key, service) =>
        new ResourceLog(any => service._subscriberChanges.Writer.TryWrite(new LogSubscriber(key, any))), this);

    private async IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAllAsync(IResource resource, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var merged = Channel.CreateUnbounded<IReadOnlyList<LogLine>>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pumps = Task.WhenAll(resource.GetInstanceIds().Select(id => PumpAsync(id, merged.Writer, stop.Token)));
        _ = pumps.ContinueWith(_ => merged.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var lines in merged.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return lines;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task PumpAsync(string id, ChannelWriter<IReadOnlyList<LogLine>> to, CancellationToken cancellationToken)
    {
        await foreach (var lines in Log(id).WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            to.TryWrite(lines);
        }
    }

    private sealed class Writer(ResourceLoggerService service, Func<IReadOnlyList<string>> ids) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = formatter(state, exception) + (exception is null ? "" : Environment.NewLine + exception);
            foreach (var id in ids())
            {
                foreach (var line in text.Split('\n'))
                {
                    service.Append(id, line.TrimEnd('\r'), logLevel >= LogLevel.Error);
                }
            }
        }
    }
}
