namespace AspireMesh.Architecture.Tests;

internal static class Problems
{
    /// <summary>Fails with every problem on a line of its own.</summary>
    public static void None(IEnumerable<string?> found)
    {
        var list = found.ToArray();
        Assert.True(list.Length == 0, $"{list.Length} found:{Environment.NewLine}{string.Join(Environment.NewLine, list)}");
    }
}
