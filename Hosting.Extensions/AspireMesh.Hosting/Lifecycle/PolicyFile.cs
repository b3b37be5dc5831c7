using AspireMesh.Host.Running;
using AspireMesh.Protocol.Admin;
using AspireMesh.Protocol.Diagnostics;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Hosting.Lifecycle;

/// <summary>The policy file beside the AppHost: read at start, and again whenever it is saved.</summary>
internal sealed partial class PolicyFile(string path, ILogger logger, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private DateTime _written;

    /// <summary>Reads it.</summary>
    /// <exception cref="MeshValidationException">It is not there or cannot be read.</exception>
    public PolicyDocument Read() => MeshDocument.ReadPolicies(Text(), path);

    /// <summary>Applies it whenever it changed, until the application ends. A file that cannot be applied changes nothing.</summary>
    public async Task FollowAsync(IMeshControl control, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (File.GetLastWriteTimeUtc(path) == _written) continue;
                try
                {
                    await control.ApplyPoliciesAsync(Text(), path, cancellationToken);
                    LogApplied(path);
                }
                catch (MeshValidationException e)
                {
                    LogRefused(path, e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LogEnded(path);
        }
    }

    private string Text()
    {
        try
        {
            _written = File.GetLastWriteTimeUtc(path);
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MeshValidationException([MeshDiagnostics.BadPolicyFile.Found($"The policy file '{path}' cannot be read: {e.Message} Create it, or correct .WithPolicyFile(…).")]);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Policies of {Path} are in force.")]
    private partial void LogApplied(string path);

    [LoggerMessage(2, LogLevel.Error, "Policies of {Path} are not in force, those before stay: {Problems}")]
    private partial void LogRefused(string path, string problems);

    [LoggerMessage(3, LogLevel.Debug, "{Path} is no longer followed.")]
    private partial void LogEnded(string path);
}
