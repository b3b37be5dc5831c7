using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.EventEmitters;

namespace AspireMesh.Simulator.Kubernetes;

/// <summary>Writes the chart: Chart.yaml, values.yaml and one template per object, laid out as Aspire lays them out.</summary>
internal sealed partial class ChartWriter(KubernetesEnvironmentResource environment)
{
    private static readonly ISerializer Yaml = new SerializerBuilder()
        .WithTypeConverter(new NumberOrText())
        .WithEventEmitter(next => new QuotedText(next))
        .ConfigureDefaultValuesHandling(DefaultValuesHandling.OmitNull | DefaultValuesHandling.OmitEmptyCollections)
        .WithNewLine("\n").WithQuotingNecessaryStrings(quoteYaml1_1Strings: true).WithIndentedSequences().WithMaximumRecursion(100).Build();

    public async Task WriteAsync(PipelineStepContext context)
    {
        var output = context.Services.GetRequiredService<IPipelineOutputService>();
        var several = context.Model.Resources.OfType<KubernetesEnvironmentResource>().Count() > 1;
        var folder = several ? output.GetOutputDirectory(environment) : output.GetOutputDirectory();
        Directory.CreateDirectory(folder);
        var values = new Dictionary<string, SortedDictionary<string, object>>();
        foreach (var section in (string[])["parameters", "secrets", "config"]) values[section] = new(StringComparer.Ordinal);
        foreach (var resource in context.Model.Resources)
        {
            if (resource.GetDeploymentTargetAnnotation(environment)?.DeploymentTarget is not KubernetesResource target) continue;
            foreach (var change in resource.Annotations.OfType<KubernetesServiceCustomizationAnnotation>()) change.Configure(target);
            foreach (var template in target.Templates()) await WriteTemplateAsync(folder, resource.Name, template, context.CancellationToken).ConfigureAwait(false);
            foreach (var (section, defaults) in target.Values.Defaults.Where(d => d.Value.Count > 0)) values[section][HelmValues.Section(resource.Name)] = defaults;
        }

        var chart = new Dictionary<string, object>
        {
            ["apiVersion"] = "v2", ["name"] = environment.ChartName, ["version"] = environment.ChartVersion, ["kubeVersion"] = ">= 1.30.0-0", ["description"] = environment.ChartDescription,
            ["type"] = "application", ["keywords"] = new[] { "aspire", "kubernetes" }, ["appVersion"] = environment.ChartVersion,
        };
        await File.WriteAllTextAsync(Path.Combine(folder, "Chart.yaml"), Yaml.Serialize(chart), context.CancellationToken).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(folder, "values.yaml"), Yaml.Serialize(values), context.CancellationToken).ConfigureAwait(false);
    }

    private static async Task WriteTemplateAsync(string folder, string resource, BaseKubernetesResource template, CancellationToken cancellationToken)
    {
        var name = template.Metadata.Name ?? template.GetType().Name.ToLowerInvariant();
        var file = name.StartsWith($"{resource}-", StringComparison.Ordinal) ? name[(resource.Length + 1)..] : name;
        var path = Path.Combine(folder, "templates", resource, $"{file}.yaml");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, $"---\n{Yaml.Serialize(template)}", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A number is written bare, and so is an expression that ends in one.</summary>
    private sealed class NumberOrText : IYamlTypeConverter
    {
        public bool Accepts(Type type) => type == typeof(Int32OrStringV1);

        public object ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer) => new Int32OrStringV1(((YamlDotNet.Core.Events.Scalar)parser.Current!).Value);

        public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer) => serializer(((Int32OrStringV1)value!).Value);
    }

    private sealed partial class QuotedText(IEventEmitter next) : ChainedEventEmitter(next)
    {
        public override void Emit(ScalarEventInfo eventInfo, IEmitter emitter)
        {
            if (eventInfo.Source.Value is string text)
            {
                eventInfo.Style = BareExpression().IsMatch(text) ? ScalarStyle.ForcePlain : text.StartsWith("{{", StringComparison.Ordinal) ? ScalarStyle.DoubleQuoted : eventInfo.Style;
            }

            base.Emit(eventInfo, emitter);
        }

        [GeneratedRegex(@"^\{\{[^}]*\|\s*int\s*\}\}$")]
        private static partial Regex BareExpression();
    }
}
