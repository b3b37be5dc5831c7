using Microsoft.Extensions.Logging;

namespace AspireMesh.Proxy.Sidecar;

/// <summary>Writes each log record as one line. The console logger of the extensions costs a thread, a queue and a megabyte for the same.</summary>
internal sealed class LineLoggerProvider(TextWriter output) : ILoggerProvider
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(TextWriter.Synchronized(output), categoryName);

    /// <inheritdoc/>
    public void Dispose() => output.Flush();

    private sealed class LineLogger(TextWriter output, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // Only what people must read: the rest goes to the dashboard by OTLP.
        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= (category.StartsWith("AspireMesh", StringComparison.Ordinal) ? LogLevel.Information : LogLevel.Warning) && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var level = logLevel switch { LogLevel.Information => "info", LogLevel.Warning => "warn", _ => "fail" };
            output.WriteLine(exception is null ? $"{level}: {formatter(state, exception)}" : $"{level}: {formatter(state, exception)} ({exception.GetType().Name}: {exception.Message})");
        }
    }
}
