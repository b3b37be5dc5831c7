using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Containers;
using AspireMesh.Simulator.Integrations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Adds PostgreSQL servers.</summary>
public static class PostgresBuilderExtensions
{
    /// <summary>SSLRequest (PostgreSQL protocol, 55.2.10): answered with S or N once the server takes connections.</summary>
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 4, 210, 22, 47];

    /// <summary>A PostgreSQL server; the password is made here unless given.</summary>
    public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder, [ResourceName] string name, IResourceBuilder<ParameterResource>? userName = null, IResourceBuilder<ParameterResource>? password = null, int? port = null)
    {
        var secret = password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password");
        var server = new PostgresServerResource(name, userName?.Resource, secret);
        var check = $"{name}_check";
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(check, _ => new ServerAnswers(server.PrimaryEndpoint, SslRequest, answer => answer is (byte)'S' or (byte)'N'), HealthStatus.Unhealthy, null, TimeSpan.FromSeconds(5)));
        return builder.AddResource(server)
            .WithEndpoint(port: port, targetPort: 5432, name: "tcp")
            .WithImage("library/postgres", "17.6").WithImageRegistry("docker.io")
            .WithHealthCheck(check)
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=trust")
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["POSTGRES_USER"] = server.UserNameReference;
                context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter;
            });
    }

    /// <summary>A database, made when the server is ready.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(this IResourceBuilder<PostgresServerResource> builder, [ResourceName] string name, string? databaseName = null)
    {
        var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
        builder.Resource.AddDatabase(name, database.DatabaseName);
        builder.OnResourceReady((server, @event, cancellationToken) => CreateAsync(server, database, @event, cancellationToken));
        return builder.ApplicationBuilder.AddResource(database).WithInitialState(new CustomResourceSnapshot { ResourceType = "PostgresDatabaseResource", Properties = [] });
    }

    /// <summary>The SQL that makes the database in place of <c>CREATE DATABASE</c>.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> WithCreationScript(this IResourceBuilder<PostgresDatabaseResource> builder, string script) =>
        builder.WithAnnotation(new CreationScript(script), ResourceAnnotationMutationBehavior.Replace);

    /// <summary>Chooses the public port.</summary>
    public static IResourceBuilder<PostgresServerResource> WithHostPort(this IResourceBuilder<PostgresServerResource> builder, int? port) => builder.WithEndpoint("tcp", endpoint => endpoint.Port = port);

    /// <summary>Chooses the password.</summary>
    public static IResourceBuilder<PostgresServerResource> WithPassword(this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> password)
    {
        builder.Resource.PasswordParameter = password.Resource;
        return builder;
    }

    /// <summary>Chooses the user.</summary>
    public static IResourceBuilder<PostgresServerResource> WithUserName(this IResourceBuilder<PostgresServerResource> builder, IResourceBuilder<ParameterResource> userName)
    {
        builder.Resource.UserNameParameter = userName.Resource;
        return builder;
    }

    /// <summary>Keeps the data in a volume.</summary>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), "/var/lib/postgresql/data", isReadOnly);

    /// <summary>Keeps the data in a folder.</summary>
    public static IResourceBuilder<PostgresServerResource> WithDataBindMount(this IResourceBuilder<PostgresServerResource> builder, string source, bool isReadOnly = false) =>
        builder.WithBindMount(source, "/var/lib/postgresql/data", isReadOnly);

    /// <summary>Runs the scripts of a folder at the first start.</summary>
    public static IResourceBuilder<PostgresServerResource> WithInitFiles(this IResourceBuilder<PostgresServerResource> builder, string source) =>
        builder.WithBindMount(source, "/docker-entrypoint-initdb.d", isReadOnly: true);

    // The server's own psql does it: no database driver is needed in the AppHost.
    private static async Task CreateAsync(PostgresServerResource server, PostgresDatabaseResource database, ResourceReadyEvent @event, CancellationToken cancellationToken)
    {
        var script = database.TryGetLastAnnotation<CreationScript>(out var own) ? own.Sql : $"CREATE DATABASE \"{database.DatabaseName.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        var user = await server.UserNameReference.GetValueAsync(cancellationToken).ConfigureAwait(false);
        var (exitCode, output) = await @event.Services.GetRequiredService<ContainerEngine>().ExecuteAsync(server, ["psql", "--username", user!, "--dbname", "postgres", "--command", script], cancellationToken).ConfigureAwait(false);
        if (exitCode != 0 && !output.Contains("already exists", StringComparison.Ordinal))
        {
            throw new DistributedApplicationException($"The database '{database.DatabaseName}' of '{server.Name}' could not be made: {output}");
        }
    }

    private sealed record CreationScript(string Sql) : IResourceAnnotation;
}
