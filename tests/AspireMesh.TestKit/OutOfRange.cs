using System.Collections;
using System.Collections.Immutable;
using System.Reflection;

namespace AspireMesh.TestKit;

/// <summary>Finds every number, time and choice in a document of records, and makes one copy of the document for each value that nobody could mean.</summary>
public static class OutOfRange
{
    /// <summary>The copies, each with the place of the one value that is wrong, such as <c>Policies.Retry.MaxRetries=-1</c>.</summary>
    /// <param name="document">A record in which every optional part is there.</param>
    /// <param name="skip">Places that are not about policies, by the end of their path.</param>
    public static IEnumerable<(string Place, T Document)> Copies<T>(T document, params string[] skip) where T : class =>
        Of(document, "").Where(c => !skip.Any(s => c.Place.Split('=')[0].EndsWith(s, StringComparison.Ordinal))).Select(c => (c.Place, (T)c.Copy));

    private static IEnumerable<(string Place, object Copy)> Of(object node, string path)
    {
        foreach (var property in node.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p is { CanRead: true, CanWrite: true }))
        {
            if (property.GetValue(node) is not { } value) continue;
            foreach (var (place, wrong) in Wrong(value, $"{path}{property.Name}")) yield return (place, With(node, property, wrong));
        }
    }

    private static IEnumerable<(string Place, object Value)> Wrong(object value, string path)
    {
        switch (value)
        {
            case int:
                foreach (var number in new[] { -1, int.MaxValue }) yield return ($"{path}={number}", number);
                break;
            case double:
                foreach (var number in new[] { -1, double.NaN, double.PositiveInfinity }) yield return ($"{path}={number}", number);
                break;
            case TimeSpan:
                foreach (var time in new[] { TimeSpan.FromTicks(-1), TimeSpan.MaxValue }) yield return ($"{path}={time}", time);
                break;
            case Enum:
                yield return ($"{path}=99", Enum.ToObject(value.GetType(), 99));
                break;
            case IList { Count: > 0 } list when value.GetType().IsGenericType && value.GetType().GetGenericTypeDefinition() == typeof(ImmutableArray<>):
                for (var i = 0; i < list.Count; i++)
                {
                    foreach (var (place, item) in Wrong(list[i]!, $"{path}[{i}]")) yield return (place, Replaced(list, i, item));
                }
                break;
            case not string when IsRecord(value.GetType()):
                foreach (var copy in Of(value, path + ".")) yield return copy;
                break;
        }
    }

    private static bool IsRecord(Type type) => type.IsClass && type.GetMethod("<Clone>$") is not null;

    private static object With(object record, PropertyInfo property, object value)
    {
        var copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
        property.SetValue(copy, value);
        return copy;
    }

    private static object Replaced(IList list, int index, object item) =>
        list.GetType().GetMethod("SetItem", [typeof(int), list.GetType().GetGenericArguments()[0]])!.Invoke(list, [index, item])!;
}
