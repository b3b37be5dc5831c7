using Spectre.Console;

namespace AspireMesh.Tool;

/// <summary>Where the tool writes, and the clock it waits by.</summary>
internal sealed class ToolTerminal
{
    // Wide enough that a table in a pipe or a log is not folded.
    private const int PipeWidth = 240;

    public ToolTerminal(TextWriter output, TextWriter error, bool redirected, TimeProvider? time = null, string? runDirectory = null, TextReader? input = null)
    {
        In = input ?? System.Console.In;
        (Out, Error, Time, RunDirectory) = (output, error, time ?? TimeProvider.System, runDirectory ?? Host.Running.RunDirectory.Default);
        Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (redirected) Console.Profile.Width = PipeWidth;
    }

    public TextReader In { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    public TimeProvider Time { get; }

    /// <summary>Where run files are looked for, and where <c>serve</c> leaves its own.</summary>
    public string RunDirectory { get; }

    public IAnsiConsole Console { get; }
}
