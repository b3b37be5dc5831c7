using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Resources, each name once.</summary>
public interface IResourceCollection : IList<IResource>
{
    /// <summary>Finds a resource; case is not regarded.</summary>
    bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource);
}

internal sealed class ResourceCollection(IEnumerable<IResource> resources) : IResourceCollection
{
    private readonly Lock _gate = new();
    private List<IResource> _resources = [.. resources];

    public ResourceCollection() : this([])
    {
    }

    public int Count => _resources.Count;

    public bool IsReadOnly => false;

    public IResource this[int index]
    {
        get => _resources[index];
        set => Change(list => list[index] = value);
    }

    public bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource)
    {
        resource = _resources.Find(r => string.Equals(r.Name, name, StringComparison.OrdinalIgnoreCase));
        return resource is not null;
    }

    public void Add(IResource item) => Change(list => list.Add(item));

    public void Insert(int index, IResource item) => Change(list => list.Insert(index, item));

    public bool Remove(IResource item)
    {
        var removed = false;
        Change(list => removed = list.Remove(item));
        return removed;
    }

    public void RemoveAt(int index) => Change(list => list.RemoveAt(index));

    public void Clear() => Change(list => list.Clear());

    public bool Contains(IResource item) => _resources.Contains(item);

    public int IndexOf(IResource item) => _resources.IndexOf(item);

    public void CopyTo(IResource[] array, int arrayIndex) => _resources.CopyTo(array, arrayIndex);

    // A handler of BeforeStart may add resources while another walks them: readers keep the list they began with.
    public IEnumerator<IResource> GetEnumerator() => _resources.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private void Change(Action<List<IResource>> change)
    {
        lock (_gate)
        {
            var copy = new List<IResource>(_resources);
            change(copy);
            _resources = copy;
        }
    }
}
