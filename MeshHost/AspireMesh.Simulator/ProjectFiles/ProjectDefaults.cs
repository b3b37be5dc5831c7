using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>What every project gets: endpoints and variables of its launch profile or its Kestrel configuration, and the URLs to bind.</summary>
internal static class ProjectDefaults
{
    public static void Apply(IResourceBuilder<ProjectResource> project, IProjectMetadata metadata, ProjectResourceOptions options)
    {
        var builder = project.ApplicationBuilder;
        project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EXCEPTION_LOG_ATTRIBUTES", "true");
        project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_EMIT_EVENT_LOG_ATTRIBUTES", "true");
        project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory");
        project.WithOtlpExporter();
        if (builder.ExecutionContext.IsRunMode)
        {
            project.WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "simple");
            project.WithEnvironment("LOGGING__CONSOLE__FORMATTEROPTIONS__TIMESTAMPFORMAT", "yyyy-MM-ddTHH:mm:ss.fffffff ");
            project.WithEnvironment("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "true");
        }

        var kestrel = options.ExcludeKestrelEndpoints ? [] : KestrelEndpoints(metadata);
        var profile = Profile(project, metadata, options);
        AddEndpoints(project, profile?.Value, kestrel, builder.ExecutionContext.IsPublishMode);
        project.WithEnvironment(context => AddVariables(context, project.Resource, profile?.Value, kestrel));
        if (profile?.Value.CommandLineArgs is { Length: > 0 } arguments)
        {
            project.WithAnnotation(new LaunchProfileArguments(CommandLine.Split(arguments)));
        }
    }

    private static KeyValuePair<string, LaunchProfile>? Profile(IResourceBuilder<ProjectResource> project, IProjectMetadata metadata, ProjectResourceOptions options)
    {
        if (options.ExcludeLaunchProfile)
        {
            project.WithAnnotation(new ExcludeLaunchProfileAnnotation());
            return null;
        }

        var appHostProfile = project.ApplicationBuilder.Configuration["DOTNET_LAUNCH_PROFILE"];
        var profile = LaunchProfiles.Choose(LaunchProfiles.Read(metadata), options.LaunchProfileName, appHostProfile, project.Resource);
        if (profile is { } chosen)
        {
            project.WithAnnotation(options.LaunchProfileName is null ? new DefaultLaunchProfileAnnotation(chosen.Key) : (IResourceAnnotation)new LaunchProfileAnnotation(chosen.Key));
        }

        return profile;
    }

    private static void AddEndpoints(IResourceBuilder<ProjectResource> project, LaunchProfile? profile, IReadOnlyList<(string Name, Uri Url)> kestrel, bool isPublish)
    {
        var urls = (profile?.ApplicationUrl ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (isPublish)
        {
            if (urls.Length > 0 || kestrel.Count > 0)
            {
                project.WithHttpEndpoint().WithHttpsEndpoint();
            }

            return;
        }

        if (kestrel.Count > 0)
        {
            foreach (var (name, url) in kestrel)
            {
                project.WithEndpoint(name.ToLowerInvariant(), e => (e.UriScheme, e.Port, e.TargetHost) = (url.Scheme, url.Port == 0 ? null : url.Port, url.Host));
            }

            return;
        }

        var counts = new Dictionary<string, int>();
        foreach (var url in urls)
        {
            // http://*:80 and http://+:80 are allowed here and are no URIs.
            if (!Uri.TryCreate(url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var uri))
            {
                throw new DistributedApplicationException($"The launch profile of '{project.Resource.Name}' has the applicationUrl '{url}', which is not a URL.");
            }

            var count = counts[uri.Scheme] = counts.GetValueOrDefault(uri.Scheme) + 1;
            project.WithEndpoint(count == 1 ? uri.Scheme : $"{uri.Scheme}{count}", e => (e.UriScheme, e.Port, e.TargetHost) = (uri.Scheme, uri.Port == 0 ? null : uri.Port, uri.Host));
        }
    }

    private static void AddVariables(EnvironmentCallbackContext context, ProjectResource project, LaunchProfile? profile, IReadOnlyList<(string Name, Uri Url)> kestrel)
    {
        var variables = context.EnvironmentVariables;
        if (context.ExecutionContext.IsPublishMode)
        {
            AddPorts(variables, project, "http", "HTTP_PORTS");
            AddPorts(variables, project, "https", "HTTPS_PORTS");
            return;
        }

        foreach (var (name, value) in profile?.EnvironmentVariables ?? [])
        {
            variables.TryAdd(name, value);
        }

        var filters = project.Annotations.OfType<EndpointEnvironmentFilter>().ToArray();
        var endpoints = project.GetEndpoints().Where(e => e.Scheme is "http" or "https" && e.EndpointAnnotation.TargetPortVariable is null && filters.All(f => f.Filter(e.EndpointAnnotation))).ToArray();
        if (endpoints.Length == 0)
        {
            return;
        }

        if (!project.HasAnnotationOfType<DisableForwardedHeadersAnnotation>())
        {
            variables.TryAdd("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true");
        }

        if (kestrel.Count > 0)
        {
            foreach (var (name, _) in kestrel)
            {
                if (endpoints.FirstOrDefault(e => string.Equals(e.EndpointName, name, StringComparison.OrdinalIgnoreCase)) is { } endpoint)
                {
                    variables[$"Kestrel__Endpoints__{name}__Url"] = BindUrl(endpoint);
                }
            }

            return;
        }

        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in endpoints)
        {
            urls.AppendLiteral(urls.IsEmpty ? "" : ";");
            urls.AppendValueProvider(BindUrl(endpoint));
        }

        variables.TryAdd("ASPNETCORE_URLS", urls.Build());
        if (Array.Find(endpoints, e => e.IsHttps) is { } https)
        {
            variables.TryAdd("ASPNETCORE_HTTPS_PORT", https.Property(EndpointProperty.Port));
        }
    }

    private static ReferenceExpression BindUrl(EndpointReference endpoint) =>
        ReferenceExpression.Create($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");

    private static void AddPorts(Dictionary<string, object> variables, ProjectResource project, string scheme, string variable)
    {
        var ports = new ReferenceExpressionBuilder();
        foreach (var endpoint in project.GetEndpoints().Where(e => e.Scheme == scheme && !IsDefaultHttps(project, e)))
        {
            ports.AppendLiteral(ports.IsEmpty ? "" : ";");
            ports.AppendValueProvider(endpoint.Property(EndpointProperty.TargetPort));
        }

        if (!ports.IsEmpty)
        {
            variables.TryAdd(variable, ports.Build());
        }
    }

    // There is no certificate for it where it is deployed: TLS ends in front of the project.
    private static bool IsDefaultHttps(ProjectResource project, EndpointReference endpoint) =>
        endpoint is { Scheme: "https", EndpointName: "https" } && project.GetEndpoints().Any(e => e.EndpointName == "http");

    private static IReadOnlyList<(string Name, Uri Url)> KestrelEndpoints(IProjectMetadata metadata)
    {
        var directory = Path.GetDirectoryName(metadata.ProjectPath)!;
        if (!Directory.Exists(directory))
        {
            return [];
        }

        var configuration = new ConfigurationBuilder().SetBasePath(directory)
            .AddJsonFile("appsettings.json", optional: true)
            .AddJsonFile($"appsettings.{Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? "Production"}.json", optional: true).Build();
        return [.. from section in configuration.GetSection("Kestrel:Endpoints").GetChildren()
                   let url = section["Url"]?.Replace("://*", "://0.0.0.0", StringComparison.Ordinal)
                   where url is not null && Uri.TryCreate(url, UriKind.Absolute, out _)
                   select (section.Key, new Uri(url))];
    }
}

/// <summary>Which endpoints stand in the environment.</summary>
internal sealed record EndpointEnvironmentFilter(Func<EndpointAnnotation, bool> Filter) : IResourceAnnotation;

/// <summary>The launch profile's arguments, used when the AppHost gives none.</summary>
internal sealed record LaunchProfileArguments(IReadOnlyList<string> Arguments) : IResourceAnnotation;
