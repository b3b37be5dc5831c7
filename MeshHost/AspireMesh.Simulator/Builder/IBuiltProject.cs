namespace AspireMesh.Simulator;

/// <summary>A project whose output is already built; the generated <c>Projects.X</c> types implement it beside Aspire's <c>IProjectMetadata</c>.</summary>
public interface IBuiltProject
{
    /// <summary>Full path of the built assembly, started as <c>dotnet X.dll</c>.</summary>
    string TargetPath { get; }
}
