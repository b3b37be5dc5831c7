using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Telemetry;

/// <summary>Sends each log record to two places: where the process logs, and where the sidecar's telemetry goes.</summary>
internal sealed class TeeLoggerFactory(ILoggerFactory first, ILoggerFactory second) : ILoggerFactory
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Tee(first.CreateLogger(categoryName), second.CreateLogger(categoryName));

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => first.AddProvider(provider);

    /// <summary>Does nothing: both are owned by others.</summary>
    public void Dispose()
    {
    }

    private sealed class Tee(ILogger first, ILogger second) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => first.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => first.IsEnabled(logLevel) || second.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (first.IsEnabled(logLevel)) first.Log(logLevel, eventId, state, exception, formatter);
            if (second.IsEnabled(logLevel)) second.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
