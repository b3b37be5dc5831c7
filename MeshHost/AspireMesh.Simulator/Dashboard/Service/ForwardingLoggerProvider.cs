using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Dashboard.Service;

/// <summary>Sends the inner server's log to the AppHost's, under names that one filter can silence.</summary>
internal sealed class ForwardingLoggerProvider(ILoggerFactory target) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => target.CreateLogger("Aspire.Hosting.Dashboard.ThirdParty." + categoryName);

    public void Dispose()
    {
        // The factory belongs to the application.
    }
}
