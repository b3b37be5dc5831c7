namespace AspireMesh.Tool;

/// <summary>What the tool's exit codes mean.</summary>
internal static class ExitCodes
{
    /// <summary>Done, and what was asked about is well.</summary>
    public const int Ok = 0;

    /// <summary>Something is wrong; it was said what, with the next line to type.</summary>
    public const int Failed = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Usage = 2;

    /// <summary>Ended from outside (Ctrl+C, SIGTERM) before it was done: whether all is well is not known. What a shell says of a process that was interrupted.</summary>
    public const int Cancelled = 130;
}
