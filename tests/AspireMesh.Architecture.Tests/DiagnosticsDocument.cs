using System.Reflection;
using System.Text;
using AspireMesh.Protocol.Diagnostics;

namespace AspireMesh.Architecture.Tests;

/// <summary>docs/diagnostics.md, as the list of diagnostics says it.</summary>
internal static class DiagnosticsDocument
{
    public static IEnumerable<string> Names() => typeof(MeshDiagnostics).GetProperties(BindingFlags.Public | BindingFlags.Static)
        .Where(p => p.PropertyType == typeof(MeshDiagnostic)).Select(p => p.Name);

    public static string IdOf(string name) => ((MeshDiagnostic)typeof(MeshDiagnostics).GetProperty(name)!.GetValue(null)!).Id;

    public static string Render()
    {
        var page = new StringBuilder("# Diagnostics\n\nEvery problem AspireMesh reports has an id. The message names the resource and what was found; this page says what to do.\n\n| id | what it says | what to do |\n|---|---|---|\n");
        foreach (var diagnostic in MeshDiagnostics.All.OrderBy(d => d.Id, StringComparer.Ordinal))
        {
            page.Append($"| {diagnostic.Id} | {Cell(diagnostic.Title)} | {Cell(diagnostic.WhatToDo)} |\n");
        }

        return page.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
