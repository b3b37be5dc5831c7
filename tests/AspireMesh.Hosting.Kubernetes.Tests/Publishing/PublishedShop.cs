using System.Diagnostics;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>The shop (or another AppHost), published by its own AppHost as a process, into a folder that goes away with the test.</summary>
internal sealed class PublishedShop(string appHost = "Shop.AppHost") : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public string Folder { get; } = Directory.CreateTempSubdirectory("published-").FullName;

    /// <summary>What publishing printed.</summary>
    public string Log { get; private set; } = "";

    /// <summary>How it ended.</summary>
    public int ExitCode { get; private set; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Publishes; the exit code has to be 0.</summary>
    public static async Task<PublishedShop> PublishAsync(params string[] more)
    {
        var shop = await TryAsync(more);
        Assert.True(shop.ExitCode == 0, shop.Log);
        return shop;
    }

    /// <summary>Publishes, however it ends.</summary>
    public static async Task<PublishedShop> TryAsync(params string[] more)
    {
        var shop = new PublishedShop();
        await shop.AgainAsync(more);
        return shop;
    }

    public async Task AgainAsync(params string[] more)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, $"{appHost}.dll"), "--operation", "publish", "--step", "publish", "--output-path", Folder, .. more];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            Log = await output + await error;
            ExitCode = process.ExitCode;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Every file, by its path in the chart.</summary>
    public Dictionary<string, string> Files() =>
        Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToDictionary(f => Path.GetRelativePath(Folder, f).Replace('\\', '/'), File.ReadAllText);
}

/// <summary>The shop, published once for all tests of a class that only read it.</summary>
public sealed class PublishedShopFixture : IAsyncLifetime
{
    internal PublishedShop Shop { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Shop = await PublishedShop.PublishAsync();

    public ValueTask DisposeAsync()
    {
        Shop.Dispose();
        return ValueTask.CompletedTask;
    }
}
