using System.Text.Json.Nodes;
using AspireMesh.Manifests.Charts;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Manifests.Tests;

public sealed class ChartReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("chart-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""replicas: {{ .Values.web.replicas | int }}""", """{"replicas":3}""")]
    [InlineData("""text: "{{ .Values.web.replicas | toString }}" """, """{"text":"3"}""")]
    [InlineData("""image: "{{ .Values.web.image }}:{{ .Chart.AppVersion }}" """, """{"image":"web:1.0"}""")]
    [InlineData("""where: "{{ .Release.Name }}.{{ .Release.Namespace }}" """, """{"where":"shop.prod"}""")]
    [InlineData("""tls: {{ if eq (.Values.web.tls | lower) "on" }}yes-tls{{ else }}no-tls{{ end }}""", """{"tls":"yes-tls"}""")]
    [InlineData("""flag: {{ if .Values.web.empty }}a{{ else }}b{{ end }}""", """{"flag":"b"}""")]
    [InlineData("""quoted: {{ .Values.web.image | quote }}""", """{"quoted":"web"}""")]
    [InlineData("""braces: 'a {{ "{{" }} b }}'""", """{"braces":"a {{ b }}"}""")]
    [InlineData("""raw: "{{ `{{` }} .Namespace }}" """, """{"raw":"{{ .Namespace }}"}""")]
    [InlineData("""note: a{{/* nobody sees this */}}b""", """{"note":"ab"}""")]
    [InlineData("trimmed: a   {{- .Values.web.image -}}   b", """{"trimmed":"awebb"}""")]
    public void A_template_of_a_published_chart_is_rendered_as_Helm_would(string template, string expected)
    {
        Write(template);
        var rendered = Assert.Single(ChartReader.Render(_folder, new ChartRelease { Namespace = "prod" }));
        rendered.Body.Remove("kind");
        rendered.Body.Remove("metadata");
        Assert.Equal(expected, rendered.Body.ToJsonString(new System.Text.Json.JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
    }

    [Theory]
    [InlineData("{{ range .Values.web }}x{{ end }}", "'range'")]
    [InlineData("{{ include \"x\" . }}", "'include'")]
    [InlineData("{{ .Values.web.image | b64enc }}", "'b64enc'")]
    [InlineData("{{ .Values.web.nothing }}", ".Values.web.nothing has no value")]
    [InlineData("{{ .Values.web }}", "no single value")]
    [InlineData("{{ if .Values.web.image }}x", "an if has no end")]
    [InlineData("{{ .Values.web.image", "an expression has no end")]
    [InlineData("{{ end }}", "'end'")]
    [InlineData("{{ eq .Values.web.image }}", "something is missing")]
    [InlineData("{{ $x := 1 }}", "'$x := 1'")]
    public void Any_other_form_is_refused_by_name_with_its_line(string template, string named)
    {
        Write("", template);
        var refused = Assert.Throws<MeshValidationException>(() => ChartReader.Render(_folder, new ChartRelease()));
        var problem = Assert.Single(refused.Problems);
        Assert.Equal("MESH0701", problem.Id);
        Assert.Contains(named, problem.Message, StringComparison.Ordinal);
        Assert.Contains("templates/web/web.yaml' line", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_given_for_a_release_win_and_the_rest_stays()
    {
        Write("image: \"{{ .Values.web.image }}\"\nreplicas: {{ .Values.web.replicas | int }}");
        var values = new JsonObject { ["web"] = new JsonObject { ["image"] = "other" } };
        var rendered = Assert.Single(ChartReader.Render(_folder, new ChartRelease { Values = values })).Body;
        Assert.Equal("other", rendered["image"]!.GetValue<string>());
        Assert.Equal(3, rendered["replicas"]!.GetValue<long>());
    }

    [Fact]
    public void What_is_no_chart_is_refused_with_the_line_to_type()
    {
        var refused = Assert.Throws<MeshValidationException>(() => ChartReader.Render(_folder, new ChartRelease()));
        Assert.Contains("--step publish", Assert.Single(refused.Problems).Message, StringComparison.Ordinal);
    }

    private void Write(string template, string? raw = null)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "templates", "web"));
        File.WriteAllText(Path.Combine(_folder, "Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 0.1.0\nappVersion: \"1.0\"\n");
        File.WriteAllText(Path.Combine(_folder, "values.yaml"), "web:\n  image: web\n  replicas: 3\n  tls: \"ON\"\n  empty: \"\"\n");
        File.WriteAllText(Path.Combine(_folder, "templates", "web", "web.yaml"), $"kind: Test\nmetadata:\n  name: web\n{(raw is null ? template : $"a: 1\nb: {raw}")}\n");
    }
}
