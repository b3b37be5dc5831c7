using System.Text.Json.Nodes;
using AspireMesh.Hosting.Kubernetes.Publishing;
using AspireMesh.Manifests.Yaml;

namespace AspireMesh.Hosting.Kubernetes.Tests.Publishing;

/// <summary>What the mesh adds to the files of a host's chart; the two gaps are those that Aspire 13.5 leaves.</summary>
public sealed class ChartFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("chart-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_value_that_a_template_names_and_nothing_fills_gets_an_empty_place_and_the_others_stay()
    {
        var chart = new ChartFiles(folder);
        chart.WriteText("values.yaml", "secrets:\n  inventory:\n    ConnectionStrings__stock: \"\"\n  postgres:\n    postgres_password: \"kept\"\n");
        chart.WriteText("templates/inventory/secrets.yaml", "a: \"Password={{ .Values.secrets.inventory.postgres_password }}\"\nb: \"{{ .Values.secrets.postgres.postgres_password }}\"\n");

        Assert.Equal(["secrets.inventory.postgres_password"], chart.AddLackingValues());

        var secrets = (JsonObject)Assert.Single(YamlDocuments.Read(File.ReadAllText(Path.Combine(folder, "values.yaml")), "values.yaml"))["secrets"]!;
        Assert.Equal("", secrets["inventory"]!["postgres_password"]!.GetValue<string>());
        Assert.Equal("kept", secrets["postgres"]!["postgres_password"]!.GetValue<string>());
        Assert.Empty(chart.AddLackingValues());
    }

    [Fact]
    public void The_chart_says_which_Kubernetes_the_sidecars_need()
    {
        var chart = new ChartFiles(folder);
        chart.WriteText("Chart.yaml", "name: \"shop\"\nkubeVersion: \">= 1.18.0-0\"\ntype: \"application\"\n");
        chart.Need(">= 1.30.0-0");
        Assert.Equal("name: \"shop\"\nkubeVersion: '>= 1.30.0-0'\ntype: \"application\"\n", File.ReadAllText(Path.Combine(folder, "Chart.yaml")));
    }
}
