using System.Text.Json.Nodes;
using Aspire.Hosting.Pipelines;
using AspireMesh.Hosting.Planning;
using static AspireMesh.Hosting.Kubernetes.Rendering.Tree;

namespace AspireMesh.Hosting.Kubernetes.Publishing;

/// <summary>
/// Says which image came from what on this machine, for <c>aspiremesh rehearse</c>: <c>{ "workloads": [ { "name", "container", "project" | "command", "arguments",
/// "workingDirectory" } ] }</c>. Paths are relative to the chart. An image that was not built here is not in it.
/// </summary>
internal static class RehearsalFile
{
    public static async Task<string> OfAsync(MeshPlan plan, PipelineStepContext context, string folder, CancellationToken cancellationToken)
    {
        var workloads = new JsonArray();
        foreach (var resource in context.Model.Resources.Where(Participants.IsDeployed).OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            var inMesh = plan.Workloads.Any(w => w.Resource == resource);
            if (resource is ProjectResource project)
            {
                workloads.Add(Map(("name", resource.Name), ("container", resource.Name), ("inMesh", inMesh), ("project", Relative(folder, project.GetProjectMetadata().ProjectPath))));
            }
            else if (resource.TryGetLastAnnotation<ExecutableAnnotation>(out var program))
            {
                workloads.Add(Map(
                    ("name", resource.Name), ("container", resource.Name), ("inMesh", inMesh), ("command", program.Command),
                    ("arguments", Texts(await ArgumentsAsync(resource, context.ExecutionContext, cancellationToken))), ("workingDirectory", Relative(folder, program.WorkingDirectory))));
            }
        }
        return Indented.Json(Map(("workloads", workloads)));
    }

    private static string Relative(string folder, string path) => Path.GetRelativePath(Path.GetFullPath(folder), path).Replace('\\', '/');

    /// <summary>The program's arguments as they were before publishing it as an image cleared them; those that are known only at run time are left out.</summary>
    private static async Task<IEnumerable<string>> ArgumentsAsync(IResource resource, DistributedApplicationExecutionContext execution, CancellationToken cancellationToken)
    {
        List<object> arguments = [];
        List<object> last = [];
        foreach (var callback in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToArray())
        {
            await callback.Callback(new CommandLineArgsCallbackContext(arguments, resource, cancellationToken) { ExecutionContext = execution });
            if (arguments.Count > 0) last = [.. arguments];
        }
        return last.OfType<string>();
    }
}
