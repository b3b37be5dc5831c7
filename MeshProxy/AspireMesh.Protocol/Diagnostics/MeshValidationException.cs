using System.Collections.Immutable;

namespace AspireMesh.Protocol.Diagnostics;

/// <summary>Something cannot be used. Carries every problem that was found, not only the first.</summary>
public sealed class MeshValidationException : Exception
{
    /// <summary>Makes the exception; its message has one problem a line.</summary>
    public MeshValidationException(ImmutableArray<MeshProblem> problems)
        : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>Everything that is wrong.</summary>
    public ImmutableArray<MeshProblem> Problems { get; }
}
