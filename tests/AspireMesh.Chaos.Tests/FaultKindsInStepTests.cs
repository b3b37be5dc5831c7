using System.Reflection;
using AspireMesh.Chaos.Documents;
using AspireMesh.Chaos.Experiments;
using AspireMesh.Protocol.Diagnostics;
using AspireMesh.Protocol.Faults;

namespace AspireMesh.Chaos.Tests;

/// <summary>Every kind that a sidecar executes has a builder, can be written in a document and is in the docs. (The command line has its own walk, and so have the clients that see the faults.)</summary>
public class FaultKindsInStepTests
{
    public static TheoryData<string> Builders { get; } = new(Methods().Select(m => m.Name));

    [Fact]
    public void Every_kind_has_a_builder() => Assert.Equal(FaultKinds.All.Order(), Methods().Select(m => Build(m).Kind).Distinct().Order());

    [Theory]
    [MemberData(nameof(Builders))]
    public void What_a_builder_makes_is_taken_by_the_mesh_and_survives_a_document(string builder)
    {
        var fault = Build(Methods().Single(m => m.Name == builder));
        var problems = new ProblemList();
        FaultChecks.Check(new FaultRule { Id = "f", To = "api", Fault = fault, ExpiresAt = DateTimeOffset.UnixEpoch }, problems);
        problems.ThrowIfAny();

        var document = Experiment.Named("x").Load(new LoadDocument { Url = "http://127.0.0.1:1/" }).Inject(ChaosEdge.Into("api"), fault).Hypothesis(h => h.SuccessRateAtLeast(1)).ToDocument();
        Assert.Equal(fault, DocumentFormat.Read(DocumentFormat.Write(document), "file").Steps.Single().Inject!.Fault);
    }

    [Fact]
    public void The_docs_have_a_row_for_every_kind_with_builders_that_exist()
    {
        var rows = File.ReadLines(Path.Combine(FindRepository(), "docs", "chaos.md")).Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('|', StringSplitOptions.TrimEntries)).ToArray();

        Assert.Equal(FaultKinds.All, rows.Select(r => r[1].Trim('`')));
        var kinds = Methods().ToDictionary(m => m.Name, m => Build(m).Kind);
        foreach (var row in rows)
        {
            string[] named = [.. row[3].Split('`', StringSplitOptions.RemoveEmptyEntries).Where(c => char.IsAsciiLetterUpper(c[0])).Select(c => c.Split('(')[0])];
            Assert.NotEmpty(named);
            Assert.All(named, n => Assert.Equal(row[1].Trim('`'), kinds[n]));
            Assert.StartsWith("`--", row[4], StringComparison.Ordinal);
        }
    }

    private static MethodInfo[] Methods() => typeof(Faults).GetMethods(BindingFlags.Public | BindingFlags.Static);

    private static Fault Build(MethodInfo method) => (Fault)method.Invoke(null, [.. method.GetParameters().Select(Argument)])!;

    private static object? Argument(ParameterInfo parameter) =>
        parameter.HasDefaultValue ? parameter.DefaultValue ?? (parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null)
        : parameter.ParameterType == typeof(TimeSpan) ? TimeSpan.FromSeconds(1)
        : parameter.ParameterType == typeof(long) ? 1L
        : parameter.Name == "mergePatch" ? "{}"
        : "x";

    private static string FindRepository()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not built inside the repository"))
            if (File.Exists(Path.Combine(folder, "AspireMesh.sln"))) return folder;
    }
}
