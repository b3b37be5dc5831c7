namespace AspireMesh.Simulator.Processes;

/// <summary>A process to start.</summary>
/// <param name="FileName">The program: a path, or a name found on the PATH of <paramref name="Environment"/>.</param>
/// <param name="Arguments">Its arguments, without the program.</param>
/// <param name="WorkingDirectory">Where it runs.</param>
/// <param name="Environment">Its whole environment.</param>
internal sealed record ProcessSpec(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The AppHost's own environment, for a child that adds to it.</summary>
    public static Dictionary<string, string> InheritedEnvironment()
    {
        var inherited = new Dictionary<string, string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            inherited[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return inherited;
    }
}

/// <summary>A process cannot be started. The message says why and what to do.</summary>
internal sealed class ProcessStartException(string message) : Exception(message);
