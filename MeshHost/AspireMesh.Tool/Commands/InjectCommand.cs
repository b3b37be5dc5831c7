using System.CommandLine;
using System.Text;
using AspireMesh.Manifests.Injecting;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Tool.Commands;

/// <summary><c>aspiremesh inject</c>: puts the sidecar into Kubernetes YAML that no AppHost published, and takes it out again.</summary>
internal static class InjectCommand
{
    private const string Input = "-";
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static Command Create(ToolTerminal terminal)
    {
        var files = new Argument<string[]>("FILE") { Description = "Kubernetes YAML; - for standard input.", Arity = ArgumentArity.OneOrMore };
        var uninject = new Option<bool>("--uninject") { Description = "Take the sidecars out again." };
        var inPlace = new Option<bool>("--in-place") { Description = "Write the files back; without it, the result is printed." };
        var image = new Option<string>("--image") { Description = "The proxy's image.", DefaultValueFactory = _ => "aspiremesh-proxy:0.1.0" };
        var trustDomain = new Option<string?>("--trust-domain") { Description = "The mesh's trust domain." };
        var ns = new Option<string>("--namespace") { Description = "The namespace that the manifests go to.", DefaultValueFactory = _ => "default" };
        var command = new Command("inject", "Puts the sidecar into Kubernetes YAML, in every pod.") { files, uninject, inPlace, image, trustDomain, ns };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = parsed.GetValue(uninject) ? null : new InjectOptions(
                parsed.GetRequiredValue(image),
                parsed.GetValue(trustDomain) ?? throw new MeshValidationException([MeshDiagnostics.BadArgument.Found("inject needs the mesh's trust domain. Type: aspiremesh inject --trust-domain shop.mesh FILE")]),
                parsed.GetRequiredValue(ns));
            var problems = new ProblemList();
            if (parsed.GetValue(inPlace) && parsed.GetRequiredValue(files).Contains(Input)) problems.Add(MeshDiagnostics.BadArgument, "--in-place writes files back, and standard input is none. Leave one of them out.");
            var results = new List<(string File, string Text)>();
            foreach (var file in parsed.GetRequiredValue(files)) Change(file, options, terminal, results, problems);
            // Nothing is written unless everything can be.
            problems.ThrowIfAny();
            foreach (var (file, text) in results)
            {
                if (parsed.GetValue(inPlace)) await File.WriteAllBytesAsync(file, Utf8.GetBytes(text), cancellationToken);
                else await terminal.Out.WriteAsync(file == results[0].File || text.StartsWith("---", StringComparison.Ordinal) ? text : $"---\n{text}");
            }
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Change(string file, InjectOptions? options, ToolTerminal terminal, List<(string File, string Text)> results, ProblemList problems)
    {
        try
        {
            // Not by File.ReadAllText, which takes the byte order mark away.
            var text = file == Input ? terminal.In.ReadToEnd() : Utf8.GetString(File.ReadAllBytes(file));
            var name = file == Input ? "standard input" : file;
            results.Add((file, options is null ? ManifestInjector.Uninject(text, name) : ManifestInjector.Inject(text, name, options, terminal.Error.WriteLine)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            problems.Add(MeshDiagnostics.BadDocument, $"'{file}' cannot be read: {e.Message} Give the path of a file that is there.");
        }
        catch (MeshValidationException e)
        {
            foreach (var problem in e.Problems) problems.Add(problem);
        }
    }
}
