using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Names volumes.</summary>
public static class VolumeNameGenerator
{
    /// <summary>A name of the AppHost's, the resource's and <paramref name="suffix"/>; the same at every start.</summary>
    public static string Generate<T>(IResourceBuilder<T> builder, string suffix) where T : IResource
    {
        var application = builder.ApplicationBuilder.Environment.ApplicationName.ToLower(CultureInfo.InvariantCulture);
        var safe = string.Concat(application.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
        var hash = builder.ApplicationBuilder.Configuration["AppHost:Sha256"]?[..10].ToLower(CultureInfo.InvariantCulture) ?? "0";
        return $"{safe}-{hash}-{builder.Resource.Name}-{suffix}";
    }
}
