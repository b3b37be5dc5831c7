using System.Text.Json.Serialization;

namespace AspireMesh.Benchmarks.Pair;

/// <summary>One pair of proxies under the same load in the same run.</summary>
internal sealed record PairRow
{
    public required string Pair { get; init; }

    [JsonPropertyName("rps")]
    public double RequestsPerSecond { get; init; }

    public double CpuSecondsPer1000 { get; init; }

    public double P50Ms { get; init; }

    public double P99Ms { get; init; }

    public double RssMb { get; init; }
}
