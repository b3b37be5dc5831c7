using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting
{
    /// <summary>Publishes a program as an image.</summary>
    public static class ExecutableDockerFileExtensions
    {
        /// <summary>In publish mode, a container built from the Dockerfile in the program's folder takes the program's place, under its name and with its annotations. Its arguments are the image's business.</summary>
        public static IResourceBuilder<T> PublishAsDockerFile<T>(this IResourceBuilder<T> builder, Action<IResourceBuilder<ContainerResource>>? configure = null) where T : ExecutableResource
        {
            ArgumentNullException.ThrowIfNull(builder);
            var application = builder.ApplicationBuilder;
            if (!application.ExecutionContext.IsPublishMode || application.TryCreateResourceBuilder<ExecutableContainerResource>(builder.Resource.Name, out _)) return builder;
            application.Resources.Remove(builder.Resource);
            var container = application.AddResource(new ExecutableContainerResource(builder.Resource));
            container.WithImage(builder.Resource.Name);
            container.WithAnnotation(new DockerfileBuildAnnotation(builder.Resource.WorkingDirectory, Path.Combine(builder.Resource.WorkingDirectory, "Dockerfile"), null));
            container.WithArgs(context => context.Args.Clear());
            configure?.Invoke(container);
            return builder;
        }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>A container in a program's place.</summary>
    public class ExecutableContainerResource(ExecutableResource executable) : ContainerResource(executable.Name)
    {
        /// <inheritdoc/>
        public override ResourceAnnotationCollection Annotations => executable.Annotations;
    }

    /// <summary>The image is built from a Dockerfile.</summary>
    public class DockerfileBuildAnnotation(string contextPath, string dockerfilePath, string? stage) : IResourceAnnotation
    {
        /// <summary>The folder it is built in.</summary>
        public string ContextPath { get; } = contextPath;

        /// <summary>The Dockerfile.</summary>
        public string DockerfilePath { get; } = dockerfilePath;

        /// <summary>The stage; null for the last.</summary>
        public string? Stage { get; } = stage;
    }
}
