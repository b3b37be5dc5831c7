using System.Globalization;
using System.Security.Cryptography;

namespace Shop.AppHost;

/// <summary>
/// Where the inventory keeps its stock: the PostgreSQL installed on this machine, else one in a container where an engine answers, else SQLite in the
/// inventory's own process. <c>--Shop:Store=installed|container|sqlite</c> decides instead. <c>--Shop:InventoryReplicas=2</c> makes it more processes on one store.
/// </summary>
internal static class StockStore
{
    private const string User = "shop";
    private const string Database = "shop";

    public static IResourceBuilder<ProjectResource> WithStockStore(this IResourceBuilder<ProjectResource> inventory)
    {
        var builder = inventory.ApplicationBuilder;
        var choice = builder.Configuration["Shop:Store"] ?? (builder.ExecutionContext.IsPublishMode ? "container" : Choose());
        return choice switch
        {
            "installed" => inventory.WithPostgres(builder.AddInstalledPostgres(Password(builder), InstalledPostgres.FindFolder()
                ?? throw new InvalidOperationException("Shop:Store=installed, but no 'initdb' is on PATH or in /usr/lib/postgresql. Install PostgreSQL or start with --Shop:Store=sqlite."))),
            "container" => inventory.WithPostgres(builder.AddContainerPostgres(Password(builder))),
            "sqlite" => inventory.WithUrlForEndpoint("http", url => url.DisplayText = "stock in SQLite (no PostgreSQL found)"),
            _ => throw new InvalidOperationException($"Shop:Store is '{choice}'. Use --Shop:Store=installed, container or sqlite."),
        };
    }

    private static string Choose() => InstalledPostgres.FindFolder() is not null ? "installed" : ContainerEngine.Answers() ? "container" : "sqlite";

    /// <summary>The server, its password and the endpoint it is reached by.</summary>
    private sealed record Postgres(IResourceBuilder<IResourceWithWaitSupport> Server, EndpointReference Endpoint, IResourceBuilder<ParameterResource> Password);

    private static IResourceBuilder<ParameterResource> Password(IDistributedApplicationBuilder builder) =>
        builder.AddParameter("postgres-password", builder.Configuration["Parameters:postgres-password"] ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), secret: true);

    private static IResourceBuilder<ProjectResource> WithPostgres(this IResourceBuilder<ProjectResource> inventory, Postgres postgres)
    {
        var stock = inventory.ApplicationBuilder.AddConnectionString("stock", ReferenceExpression.Create(
            $"Host={postgres.Endpoint.Property(EndpointProperty.Host)};Port={postgres.Endpoint.Property(EndpointProperty.Port)};Username={User};Password={postgres.Password};Database={Database};SSL Mode=Disable"));
        // More than one only here: the stock is in one place, while a file of SQLite is one process's own.
        return inventory
            .WithReplicas(inventory.ApplicationBuilder.Configuration["Shop:InventoryReplicas"] is { } replicas ? int.Parse(replicas, CultureInfo.InvariantCulture) : 1)
            .WithReference(stock)
            .WithUrlForEndpoint("http", url => url.DisplayText = "stock in PostgreSQL")
            .WaitFor(postgres.Server);
    }

    private static Postgres AddInstalledPostgres(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password, string folder)
    {
        var server = builder.AddExecutable("postgres", "/bin/sh", "../Shop.Postgres", "start.sh", folder)
            .WithEndpoint(scheme: "tcp", name: "tcp", env: "PGPORT")
            .WithEnvironment("PGUSER", User)
            .WithEnvironment("PGDATABASE", Database)
            .WithEnvironment("PGPASSWORD", password);
        return new Postgres(server.WithPostgresHealthCheck(), server.GetEndpoint("tcp"), password);
    }

    private static Postgres AddContainerPostgres(this IDistributedApplicationBuilder builder, IResourceBuilder<ParameterResource> password)
    {
        var server = builder.AddContainer("postgres", "docker.io/library/postgres", "17")
            .WithEndpoint(scheme: "tcp", name: "tcp", targetPort: 5432)
            .WithEnvironment("POSTGRES_USER", User)
            .WithEnvironment("POSTGRES_DB", Database)
            .WithEnvironment("POSTGRES_PASSWORD", password);
        return new Postgres(server.WithPostgresHealthCheck(), server.GetEndpoint("tcp"), password);
    }
}
