using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AspireMesh.TestKit;

/// <summary>Keeps every log record of every level as text.</summary>
public sealed class CapturedLogs : ILoggerFactory
{
    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>What was logged.</summary>
    public IEnumerable<string> Lines => _lines;

    /// <summary>Waits until a line contains a text.</summary>
    /// <exception cref="OperationCanceledException">None did within a minute; what was logged is in the message.</exception>
    public async Task UntilAsync(string part)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!_lines.Any(l => l.Contains(part, StringComparison.Ordinal)))
        {
            if (limit.IsCancellationRequested) throw new OperationCanceledException($"Nobody said '{part}'. Logged:\n{string.Join('\n', _lines)}");
            await look.WaitForNextTickAsync();
        }
    }

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("it keeps everything itself");

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(_lines);

    /// <inheritdoc/>
    public void Dispose() => _lines.Clear();

    private sealed class Logger(ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
