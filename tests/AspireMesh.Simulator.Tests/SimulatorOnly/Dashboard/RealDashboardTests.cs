using Microsoft.Playwright;

namespace AspireMesh.Simulator.Tests.SimulatorOnly.Dashboard;

public sealed class RealDashboardTests
{
    private const string ScreenshotVariable = "ASPIREMESH_SCREENSHOTS";

    [Fact]
    public async Task Telemetry_with_the_key_services_get_is_taken_and_can_be_read_back()
    {
        await using var dashboard = await RealDashboard.StartAsync();

        var refused = await dashboard.SendSpanAsync("front", key: null);
        var taken = await dashboard.SendSpanAsync("front", dashboard.OtlpKey);

        Assert.Equal(401, refused);
        Assert.Equal(200, taken);
        var resources = await dashboard.GetTelemetryAsync("resources");
        while (!resources.Contains("\"front\"", StringComparison.Ordinal))
        {
            await Task.Delay(100, TestApp.Patience);
            resources = await dashboard.GetTelemetryAsync("resources");
        }

        Assert.Contains("a request", await dashboard.GetTelemetryAsync("spans"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_lists_resources_with_a_sidecar_nested_under_its_parent()
    {
        var browserPath = FindBrowser();
        Assert.SkipWhen(browserPath is null, "No browser: install chromium (apt-get install chromium).");
        await using var dashboard = await RealDashboard.StartAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = browserPath,
            Args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1500, Height = 800 } });
        page.SetDefaultTimeout(60_000);

        await page.GotoAsync(dashboard.LoginUrl);
        // A parent that has children can be folded; its children follow it and are drawn one level in.
        var row = page.Locator("tr", new() { HasText = "front" });
        await page.Locator("tr", new() { HasTextRegex = new("front-sidecar") }).WaitForAsync();
        await page.Locator("tr", new() { HasText = "Running" }).Nth(1).WaitForAsync();
        var rows = await row.AllInnerTextsAsync();
        var indents = await row.Locator("td:first-child").EvaluateAllAsync<double[]>("cells => cells.map(c => { const w = document.createTreeWalker(c, NodeFilter.SHOW_TEXT); while (w.nextNode()) { const t = w.currentNode; if (t.textContent.includes('front')) { const r = document.createRange(); r.selectNode(t); return r.getBoundingClientRect().x; } } return -1; })");
        if (Environment.GetEnvironmentVariable(ScreenshotVariable) is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, "dashboard-resources.png") });
        }

        Assert.Equal(2, rows.Count);
        Assert.DoesNotContain("front-sidecar", rows[0], StringComparison.Ordinal);
        Assert.Contains("front-sidecar", rows[1], StringComparison.Ordinal);
        Assert.True(indents[1] > indents[0], $"The sidecar is drawn at {indents[1]}, its parent at {indents[0]}.");
    }

    private static string? FindBrowser() =>
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
}
