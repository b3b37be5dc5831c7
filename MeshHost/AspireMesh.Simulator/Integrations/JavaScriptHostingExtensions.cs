using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.JavaScript;

namespace Aspire.Hosting
{
    /// <summary>Adds JavaScript applications.</summary>
    public static class JavaScriptHostingExtensions
    {
        /// <summary>A script run by node; <paramref name="appDirectory"/> is relative to the AppHost's folder.</summary>
        public static IResourceBuilder<NodeAppResource> AddNodeApp(this IDistributedApplicationBuilder builder, [ResourceName] string name, string appDirectory, string scriptPath)
        {
            ArgumentException.ThrowIfNullOrEmpty(scriptPath);
            var directory = Path.GetFullPath(appDirectory, builder.AppHostDirectory);
            var app = builder.AddResource(new NodeAppResource(name, "node", directory)).WithNodeDefaults()
                .WithArgs(context =>
                {
                    if (context.Resource.TryGetLastAnnotation<RunScript>(out var script))
                    {
                        script.AddTo(context.Args);
                    }
                    else
                    {
                        context.Args.Add(scriptPath);
                    }
                });
            return File.Exists(Path.Combine(directory, "package.json")) ? app.WithNpm() : app;
        }

        /// <summary>An application started by a script of its package.json.</summary>
        public static IResourceBuilder<JavaScriptAppResource> AddJavaScriptApp(this IDistributedApplicationBuilder builder, [ResourceName] string name, string appDirectory, string runScriptName = "dev") =>
            builder.AddResource(new JavaScriptAppResource(name, "npm", Path.GetFullPath(appDirectory, builder.AppHostDirectory))).WithScripts(runScriptName);

        /// <summary>A Vite application, with an http endpoint.</summary>
        public static IResourceBuilder<ViteAppResource> AddViteApp(this IDistributedApplicationBuilder builder, [ResourceName] string name, string appDirectory, string runScriptName = "dev")
        {
            var app = builder.AddResource(new ViteAppResource(name, "npm", Path.GetFullPath(appDirectory, builder.AppHostDirectory))).WithScripts(runScriptName).WithHttpEndpoint(env: "PORT");
            return app.WithArgs(context =>
            {
                context.Args.Add("--");
                context.Args.Add("--port");
                context.Args.Add(app.GetEndpoint("http").Property(EndpointProperty.TargetPort));
            });
        }

        /// <summary>Starts the application by a script of its package.json.</summary>
        public static IResourceBuilder<TResource> WithRunScript<TResource>(this IResourceBuilder<TResource> resource, string scriptName, string[]? args = null) where TResource : JavaScriptAppResource =>
            resource.WithAnnotation(new RunScript(scriptName, args ?? []), ResourceAnnotationMutationBehavior.Replace).WithCommand("npm");

        /// <summary>Installs the packages with npm before the application starts.</summary>
        public static IResourceBuilder<TResource> WithNpm<TResource>(this IResourceBuilder<TResource> resource, bool install = true, string? installCommand = null, string[]? installArgs = null) where TResource : JavaScriptAppResource
        {
            var builder = resource.ApplicationBuilder;
            var name = $"{resource.Resource.Name}-installer";
            if (builder.TryCreateResourceBuilder<ExecutableResource>(name, out var existing))
            {
                builder.Resources.Remove(existing.Resource);
                foreach (var wait in resource.Resource.Annotations.OfType<WaitAnnotation>().Where(w => w.Resource == existing.Resource).ToList())
                {
                    resource.Resource.Annotations.Remove(wait);
                }
            }

            if (!install || builder.ExecutionContext.IsPublishMode)
            {
                return resource;
            }

            var command = installCommand ?? (File.Exists(Path.Combine(resource.Resource.WorkingDirectory, "package-lock.json")) ? "ci" : "install");
            var installer = builder.AddExecutable(name, "npm", resource.Resource.WorkingDirectory, [command, .. installArgs ?? []])
                .WithParentRelationship(resource.Resource)
                .ExcludeFromManifest();
            return resource.WithAnnotation(new WaitAnnotation(installer.Resource, WaitType.WaitForCompletion));
        }

        private static IResourceBuilder<T> WithScripts<T>(this IResourceBuilder<T> app, string runScriptName) where T : JavaScriptAppResource =>
            app.WithNodeDefaults().WithNpm().WithAnnotation(new RunScript(runScriptName, [])).WithArgs(context =>
            {
                if (context.Resource.TryGetLastAnnotation<RunScript>(out var script))
                {
                    script.AddTo(context.Args);
                }
            });

        private static IResourceBuilder<T> WithNodeDefaults<T>(this IResourceBuilder<T> app) where T : JavaScriptAppResource =>
            app.WithOtlpExporter().WithIconName("CodeJsRectangle")
                .WithEnvironment("NODE_ENV", string.Equals(app.ApplicationBuilder.Environment.EnvironmentName, "Development", StringComparison.OrdinalIgnoreCase) ? "development" : "production");

        private sealed record RunScript(string Name, IReadOnlyList<string> Arguments) : IResourceAnnotation
        {
            public void AddTo(IList<object> args)
            {
                args.Add("run");
                args.Add(Name);
                foreach (var argument in Arguments)
                {
                    args.Add(argument);
                }
            }
        }
    }
}

namespace Aspire.Hosting.JavaScript
{
    /// <summary>A JavaScript application.</summary>
    public class JavaScriptAppResource(string name, string command, string workingDirectory) : ExecutableResource(name, command, workingDirectory), IResourceWithServiceDiscovery;

    /// <summary>A script run by node.</summary>
    public class NodeAppResource(string name, string command, string workingDirectory) : JavaScriptAppResource(name, command, workingDirectory);

    /// <summary>A Vite application.</summary>
    public class ViteAppResource(string name, string command, string workingDirectory) : JavaScriptAppResource(name, command, workingDirectory);
}
