namespace AspireMesh.Simulator.Processes;

/// <summary>A running child and everything it started.</summary>
internal abstract class ChildProcess
{
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public abstract int Pid { get; }

    /// <summary>The exit code once the process has ended and its output was read; 128 plus the signal where one ended it.</summary>
    public Task<int> Exited => _exited.Task;

    /// <summary>Whether it, or something it started, still runs.</summary>
    public abstract bool IsAnythingLeft { get; }

    /// <summary>Asks it and everything it started to end.</summary>
    public abstract void Terminate();

    /// <summary>Ends it and everything it started.</summary>
    public abstract void Kill();

    /// <summary>Asks it to end, and ends it after <paramref name="grace"/>.</summary>
    public async Task StopAsync(TimeSpan grace, TimeProvider timeProvider)
    {
        Terminate();
        try
        {
            await Exited.WaitAsync(grace, timeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // It did not listen: the kill below ends it.
        }

        if (!Exited.IsCompleted || IsAnythingLeft)
        {
            Kill();
        }

        await Exited.ConfigureAwait(false);
    }

    protected void SetExited(int exitCode) => _exited.TrySetResult(exitCode);

    protected static async Task ReadLinesAsync(Stream stream, Action<string> onLine)
    {
        using var reader = new StreamReader(stream, new System.Text.UTF8Encoding(false));
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            onLine(line);
        }
    }
}
