using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AspireMesh.Simulator.Processes;

/// <summary>A small shell process that outlives a killed AppHost by moments: when the pipe from the AppHost ends, it ends every process group and container it was told of.</summary>
internal sealed class Watchdog : IDisposable
{
    // Lines: "+ GROUP", "- GROUP", "c CONTAINER", "d CONTAINER". The end of the input is the end of the AppHost.
    private const string Script = """
        trap '' INT TERM HUP
        groups=' '
        containers=' '
        without() { case "$1" in *" $2 "*) printf '%s' "${1%% $2 *} ${1#* $2 }" ;; *) printf '%s' "$1" ;; esac; }
        while read -r op id; do
          case $op in
            +) groups="$groups$id " ;;
            -) groups="$(without "$groups" "$id"; printf x)"; groups="${groups%x}" ;;
            c) containers="$containers$id " ;;
            d) containers="$(without "$containers" "$id"; printf x)"; containers="${containers%x}" ;;
          esac
        done
        for g in $groups; do kill -TERM "-$g" 2>/dev/null; done
        for c in $containers; do docker rm -f "$c" >/dev/null 2>&1 & done
        tries=0
        while [ $tries -lt 20 ]; do
          left=0
          for g in $groups; do kill -0 "-$g" 2>/dev/null && left=1; done
          [ $left -eq 0 ] && break
          sleep 0.1
          tries=$((tries + 1))
        done
        for g in $groups; do kill -KILL "-$g" 2>/dev/null; done
        wait
        """;

    private readonly Lock _gate = new();
    private readonly FileStream? _input;
    private readonly int _pid;
    private bool _isDisposed;

    public Watchdog()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var pipe = LibC.OpenPipe();
        using var devNull = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        try
        {
            var descriptor = (int)devNull.DangerousGetHandle();
            var environment = new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin" };
            _pid = PosixSpawn.Start("/bin/sh", new ProcessSpec("sh", ["-c", Script], "/", environment), pipe.Read, descriptor, descriptor);
            _input = new FileStream(new SafeFileHandle(pipe.Write, ownsHandle: true), FileAccess.Write, bufferSize: 0);
        }
        finally
        {
            _ = LibC.Close(pipe.Read);
        }
    }

    public void Watch(int group) => Tell($"+ {group}\n");

    public void Forget(int group) => Tell($"- {group}\n");

    public void WatchContainer(string container) => Tell($"c {container}\n");

    public void ForgetContainer(string container) => Tell($"d {container}\n");

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        if (_input is not null)
        {
            _input.Dispose();
            _ = LibC.Wait(_pid, out _, 0);
        }
    }

    private void Tell(string line)
    {
        lock (_gate)
        {
            if (_input is null || _isDisposed)
            {
                return;
            }

            try
            {
                _input.Write(Encoding.ASCII.GetBytes(line));
            }
            catch (IOException)
            {
                // Somebody ended the watchdog. The AppHost still ends its children itself; only its own violent end would leave some.
            }
        }
    }
}
