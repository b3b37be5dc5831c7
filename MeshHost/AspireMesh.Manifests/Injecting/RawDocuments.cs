namespace AspireMesh.Manifests.Injecting;

/// <summary>One document of a YAML text with every character that belongs to it.</summary>
/// <param name="Mark">The line <c>---</c> before it; empty before the first document of most texts.</param>
/// <param name="Body">What stands between that and the next mark.</param>
/// <param name="Line">The number of lines before the body.</param>
internal sealed record RawDocument(string Mark, string Body, int Line)
{
    /// <summary>The body for a reader that tells lines: they count from the beginning of the whole text.</summary>
    public string Placed => new string('\n', Line) + Body.TrimStart('\uFEFF');

    /// <summary>Whether there is anything but comments, directives and blanks in it.</summary>
    public bool HasContent => Body.TrimStart('\uFEFF').Split('\n').Any(l => l.Trim() is { Length: > 0 } text && text[0] is not ('#' or '%') && text != "...");
}

/// <summary>Takes YAML texts apart at their document marks; put together again they are the same to the byte.</summary>
internal static class RawDocuments
{
    private const string Mark = "---";

    public static List<RawDocument> Of(string text)
    {
        var documents = new List<RawDocument>();
        var (mark, begin, line, lines) = ("", 0, 0, 0);
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\n', at) is var found and >= 0 ? found + 1 : text.Length;
            if (IsMark(text.AsSpan(at, end - at)))
            {
                documents.Add(new RawDocument(mark, text[begin..at], line));
                // What follows the mark on its line belongs to the document, unless it is a comment.
                var rest = text.AsSpan(at + Mark.Length, end - at - Mark.Length).Trim();
                begin = rest.IsEmpty || rest[0] == '#' ? end : at + Mark.Length;
                mark = text[at..begin];
                line = begin == end ? lines + 1 : lines;
            }
            lines++;
            at = end;
        }
        documents.Add(new RawDocument(mark, text[begin..], line));
        // A text that begins with a mark has nothing before it.
        if (documents.Count > 1 && documents[0].Body.Length == 0) documents.RemoveAt(0);
        return documents;
    }

    public static string Join(IEnumerable<RawDocument> documents) => string.Concat(documents.Select(d => d.Mark + d.Body));

    private static bool IsMark(ReadOnlySpan<char> line) => line.StartsWith(Mark, StringComparison.Ordinal) && (line.Length == Mark.Length || line[Mark.Length] is ' ' or '\t' or '\r' or '\n');
}
