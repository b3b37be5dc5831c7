namespace AspireMesh.Protocol.Diagnostics;

/// <summary>A kind of problem: its id, what it is, and what to do about it. All are listed in <see cref="MeshDiagnostics"/>.</summary>
/// <param name="Id"><c>MESH0001</c> and up, never used twice.</param>
/// <param name="Title">What is wrong, in a few words.</param>
/// <param name="WhatToDo">What a user does about it, in a sentence.</param>
public sealed record MeshDiagnostic(string Id, string Title, string WhatToDo)
{
    /// <summary>One occurrence of it.</summary>
    /// <param name="message">Names the resource, what was found, and the next line to type.</param>
    public MeshProblem Found(string message) => new(Id, message);
}

/// <summary>One thing that is wrong, as it is shown to a user.</summary>
/// <param name="Id">The id of its <see cref="MeshDiagnostic"/>.</param>
/// <param name="Message">Names the resource, what was found, and the next line to type.</param>
public sealed record MeshProblem(string Id, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Message} [{Id}]";
}
