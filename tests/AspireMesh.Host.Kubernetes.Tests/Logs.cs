using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Host.Kubernetes.Tests;

/// <summary>What was logged, so that a test can wait for what the control plane says.</summary>
internal sealed class Logs : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public event Action? Written;

    public IReadOnlyCollection<string> Lines => _lines;

    public bool Has(string part) => _lines.Any(l => l.Contains(part, StringComparison.Ordinal));

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        _lines.Enqueue(formatter(state, exception));
        Written?.Invoke();
    }
}
