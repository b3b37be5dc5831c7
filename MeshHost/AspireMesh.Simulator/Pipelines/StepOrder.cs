namespace Aspire.Hosting.Pipelines;

/// <summary>Which steps a target needs, and in which order.</summary>
internal static class StepOrder
{
    /// <summary>The target and what it needs, each after what it needs itself. Throws on unknown names and circles.</summary>
    public static IReadOnlyList<PipelineStep> Sort(IReadOnlyList<PipelineStep> steps, string target)
    {
        var duplicate = steps.GroupBy(s => s.Name).FirstOrDefault(g => g.Count() > 1);
        if (duplicate is not null)
        {
            throw new InvalidOperationException($"Duplicate step name: '{duplicate.Key}'.");
        }

        var byName = steps.ToDictionary(s => s.Name);
        var needs = steps.ToDictionary(s => s.Name, s => new HashSet<string>(s.DependsOnSteps));
        foreach (var step in steps)
        {
            foreach (var later in step.RequiredBySteps)
            {
                if (!needs.TryGetValue(later, out var set))
                {
                    throw new InvalidOperationException($"Step '{step.Name}' is required by unknown step '{later}'.");
                }

                set.Add(step.Name);
            }
        }

        if (!byName.ContainsKey(target))
        {
            throw new InvalidOperationException($"Step '{target}' not found. Steps: {string.Join(", ", byName.Keys.Order())}.");
        }

        var sorted = new List<PipelineStep>();
        Visit(target, []);
        return sorted;

        void Visit(string name, List<string> path)
        {
            if (sorted.Any(s => s.Name == name))
            {
                return;
            }

            if (path.Contains(name))
            {
                throw new InvalidOperationException($"Circular dependency of steps: {string.Join(" -> ", [.. path, name])}.");
            }

            foreach (var needed in steps.Select(s => s.Name).Where(needs[name].Contains))
            {
                Visit(needed, [.. path, name]);
            }

            if (needs[name].FirstOrDefault(n => !byName.ContainsKey(n)) is { } unknown)
            {
                throw new InvalidOperationException($"Step '{name}' depends on unknown step '{unknown}'.");
            }

            sorted.Add(byName[name]);
        }
    }
}
