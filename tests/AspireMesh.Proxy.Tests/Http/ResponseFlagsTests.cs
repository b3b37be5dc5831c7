using System.Reflection;
using AspireMesh.Proxy.Http;

namespace AspireMesh.Proxy.Tests.Http;

public class ResponseFlagsTests
{
    [Fact]
    public void Every_flag_is_documented()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AspireMesh.sln"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("AspireMesh.sln was not found above the test's folder");
        var text = File.ReadAllText(Path.Combine(folder, "docs", "traffic-policies.md"));
        var flags = typeof(ResponseFlags).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!);
        Assert.All(flags, f => Assert.Contains($"| `{f}` |", text, StringComparison.Ordinal));
    }
}
