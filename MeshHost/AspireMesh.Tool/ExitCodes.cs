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
}
