using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Shop.Inventory;

/// <summary>Chooses the database, waits for it, and is healthy from then on.</summary>
internal sealed partial class StockStartup(StockStore store, ILogger<StockStartup> logger) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);
    private volatile string waitingFor = "the first connection";
    private volatile bool ready;

    /// <summary>PostgreSQL when the AppHost gives the connection string <c>stock</c>, a SQLite file of this process otherwise.</summary>
    public static StockStore Open(string? connectionString)
    {
        if (!string.IsNullOrEmpty(connectionString)) return new StockStore(NpgsqlDataSource.Create(connectionString), "PostgreSQL");
        var file = Path.Combine(Path.GetTempPath(), $"shop-stock-{Environment.ProcessId}.db");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(file);
        return new StockStore(SqliteFactory.Instance.CreateDataSource($"Data Source={file};Pooling=False"), "SQLite");
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(ready ? HealthCheckResult.Healthy($"The stock is in {store.Name}.") : HealthCheckResult.Unhealthy($"No stock yet: {waitingFor}"));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await store.CreateAsync(stoppingToken);
                ready = true;
                Opened(logger, store.Name);
                return;
            }
            catch (DbException error)
            {
                waitingFor = error.Message;
                Waiting(logger, store.Name, error.Message);
                await Task.Delay(Pause, stoppingToken);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The stock is in {Store}.")]
    private static partial void Opened(ILogger logger, string store);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Store} does not answer yet: {Reason}")]
    private static partial void Waiting(ILogger logger, string store, string reason);
}
