using System.Text;

namespace AspireMesh.Simulator.ProjectFiles;

/// <summary>Splits a command line as a shell would: blanks separate, double quotes join.</summary>
internal static class CommandLine
{
    public static IReadOnlyList<string> Split(string text)
    {
        var arguments = new List<string>();
        var current = new StringBuilder();
        var isQuoted = false;
        var isStarted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\\' && i + 1 < text.Length && text[i + 1] == '"')
            {
                current.Append('"');
                isStarted = true;
                i++;
            }
            else if (c == '"')
            {
                isQuoted = !isQuoted;
                isStarted = true;
            }
            else if (char.IsWhiteSpace(c) && !isQuoted)
            {
                Finish();
            }
            else
            {
                current.Append(c);
                isStarted = true;
            }
        }

        Finish();
        return arguments;

        void Finish()
        {
            if (isStarted)
            {
                arguments.Add(current.ToString());
                current.Clear();
                isStarted = false;
            }
        }
    }
}
