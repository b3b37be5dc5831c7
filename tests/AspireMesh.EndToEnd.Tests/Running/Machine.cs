namespace AspireMesh.EndToEnd.Tests.Running;

/// <summary>What this machine has, and the reason a test is skipped where it is missing.</summary>
internal static class Machine
{
    public static string? Chromium { get; } = Environment.GetEnvironmentVariable("CHROMIUM_PATH") ?? Find("chromium", "chromium-browser", "google-chrome");

    public static string NeedChromium() => Need(Chromium, "no chromium on PATH (apt-get install chromium)");

    public static void NeedLinux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "this test looks into /proc, which only Linux has");

    public static void NeedNode() => Need(Find("node"), "no node on PATH: the shop's payments are a Node program (apt-get install nodejs)");

    public static void NeedPostgres() => Assert.SkipUnless(
        Directory.Exists("/usr/lib/postgresql") || Find("initdb") is not null, "no PostgreSQL installed (apt-get install postgresql)");

    public static void NeedDashboard() => Assert.SkipUnless(
        Directory.Exists(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".aspire", "bundle")) || Environment.GetEnvironmentVariable("ASPIRE_DASHBOARD_PATH") is not null,
        "no Aspire dashboard on this machine (npm install -g @microsoft/aspire-cli-linux-x64, then `aspire dashboard run` once)");

    public static string NeedProgram(string name, string package) => Need(Find(name), $"no {name} on PATH (apt-get install {package})");

    public static void NeedRoot(string why) => Assert.SkipUnless(Environment.IsPrivilegedProcess, why);

    private static string Need(string? path, string reason)
    {
        Assert.SkipWhen(path is null, reason);
        return path!;
    }

    private static string? Find(params string[] names) => names
        .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);
}
