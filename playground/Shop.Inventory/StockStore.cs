using System.Data.Common;

namespace Shop.Inventory;

/// <summary>The stock in one SQL table. The statements are the same on PostgreSQL and SQLite.</summary>
internal sealed class StockStore(DbDataSource source, string name)
{
    private static readonly (string Sku, int Pieces)[] Opening = [("lamp", 40), ("kettle", 25), ("globe", 12), ("boots", 30), ("compass", 60), ("parrot", 2)];

    /// <summary>"PostgreSQL" or "SQLite".</summary>
    public string Name => name;

    /// <summary>Makes the table and the opening stock; harmless when they are there.</summary>
    public async Task CreateAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, "CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, pieces INTEGER NOT NULL CHECK (pieces >= 0))", null, 0, cancellation);
        foreach (var (sku, pieces) in Opening)
        {
            await ExecuteAsync(connection, "INSERT INTO stock (sku, pieces) VALUES (@sku, @pieces) ON CONFLICT (sku) DO NOTHING", sku, pieces, cancellation);
        }
    }

    public async Task<Dictionary<string, int>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT sku, pieces FROM stock";
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var levels = new Dictionary<string, int>();
        while (await reader.ReadAsync(cancellation)) levels[reader.GetString(0)] = reader.GetInt32(1);
        return levels;
    }

    /// <summary>Takes pieces off (or, negative, puts them back) in one statement; false when too few are left.</summary>
    public async Task<(bool Accepted, int Left)> TakeAsync(string sku, int pieces, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var changed = await ExecuteAsync(connection, "UPDATE stock SET pieces = pieces - @pieces WHERE sku = @sku AND pieces >= @pieces", sku, pieces, cancellation);
        await using var command = Command(connection, "SELECT pieces FROM stock WHERE sku = @sku", sku, null);
        var left = Convert.ToInt32(await command.ExecuteScalarAsync(cancellation) ?? 0);
        return (changed == 1, left);
    }

    private static async Task<int> ExecuteAsync(DbConnection connection, string sql, string? sku, int pieces, CancellationToken cancellation)
    {
        await using var command = Command(connection, sql, sku, pieces);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private static DbCommand Command(DbConnection connection, string sql, string? sku, int? pieces)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        if (sku is null) return command;
        Add("sku", sku);
        if (pieces is { } count) Add("pieces", count);
        return command;

        void Add(string parameterName, object value)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = parameterName;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
    }
}
