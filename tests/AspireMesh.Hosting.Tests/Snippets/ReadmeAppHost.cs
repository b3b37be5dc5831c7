namespace AspireMesh.Hosting.Tests.Snippets;

/// <summary>The README's AppHost, so that it compiles.</summary>
internal static class ReadmeAppHost
{
    public static void Run(string[] args)
    {
        #region AppHost
        var builder = DistributedApplication.CreateBuilder(args);
        builder.AddServiceMesh();
        var api = builder.AddProject<Projects.Api>("api");
        builder.AddProject<Projects.Web>("web").WithReference(api).WithExternalHttpEndpoints();
        builder.Build().Run();
        #endregion
    }

    private static class Projects
    {
        public sealed class Api : IProjectMetadata
        {
            public string ProjectPath => "Api/Api.csproj";
        }

        public sealed class Web : IProjectMetadata
        {
            public string ProjectPath => "Web/Web.csproj";
        }
    }
}
