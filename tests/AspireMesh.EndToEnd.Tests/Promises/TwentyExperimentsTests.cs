using System.Diagnostics;
using System.Globalization;
using AspireMesh.Chaos;
using AspireMesh.Chaos.Campaigns;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Chaos.Reports;

namespace AspireMesh.EndToEnd.Tests.Promises;

/// <summary>A random campaign on the whole shop, frozen into documents: whatever one of them drew, the shop is well again afterwards.</summary>
[Collection(PromiseCollection.Name)]
public sealed class TwentyExperimentsTests(PromiseShops shops, ITestOutputHelper log)
{
    [Fact]
    public async Task Twenty_random_experiments_on_the_shop_leave_it_well()
    {
        var began = Stopwatch.GetTimestamp();
        var shop = await shops.GetAsync("as it is", null);
        var started = Stopwatch.GetElapsedTime(began);
        // The catalogue over HTTP, and the stock through orders over gRPC.
        ExperimentDocument[] documents = [.. Draw("/api/products", ("frontend", "catalog")), .. Draw("/api/stock", ("frontend", "orders"), ("orders", "inventory"))];
        began = Stopwatch.GetTimestamp();
        long fires = 0;
        foreach (var document in documents)
        {
            // As a file would be read: what was frozen is all there is.
            var result = await shop.App.RunAsync(DocumentFormat.Read(DocumentFormat.Write(document), document.Name), TestContext.Current.CancellationToken);
            Assert.True(result.Verdict == Verdict.Held, ExperimentReport.ToMarkdown(result) + DocumentFormat.Write(document));
            fires += result.Fires.Values.Sum();
        }
        log.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{documents.Length} experiments on the whole shop: {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s, {fires} faults fired; the shop was there after {started.TotalSeconds:0.0} s"));
        Assert.Equal(20, documents.Length);
        Assert.True(fires > 20, "faults that hit nothing show nothing");
    }

    private static IEnumerable<ExperimentDocument> Draw(string path, params (string From, string To)[] edges)
    {
        var load = new LoadDocument { Resource = "frontend", Url = path, Requests = 20, Concurrency = 2, Steady = 3 };
        // Some answers may be lost while a fault lasts; none may be lost when it is gone.
        ClaimDocument[] hypothesis = [new ClaimDocument { Kind = ClaimKind.Fires, AtLeast = 0 }, new ClaimDocument { Kind = ClaimKind.SuccessRate, AtLeast = 1, Phase = Phase.After }];
        var campaign = new Campaign(2026, edges.Select(e => ChaosEdge.Between(e.From, e.To)), load, hypothesis);
        return Enumerable.Range(0, 10).Select(i => campaign.Freeze(i));
    }
}
