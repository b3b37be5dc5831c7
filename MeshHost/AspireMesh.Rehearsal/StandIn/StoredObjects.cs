using System.Globalization;
using System.Text.Json.Nodes;

namespace AspireMesh.Rehearsal.StandIn;

/// <summary>One change, as a watch tells it.</summary>
/// <param name="Version">The resource version it made.</param>
/// <param name="Type">ADDED, MODIFIED or DELETED.</param>
/// <param name="Kind">Plural name of the resource.</param>
/// <param name="Object">The object after it; before it, where it was deleted.</param>
internal sealed record ObjectChange(long Version, string Type, string Kind, JsonObject Object);

/// <summary>Why a write was refused.</summary>
internal enum WriteRefusal
{
    None,
    Missing,
    Exists,
    Conflict,
}

/// <summary>
/// The objects of one namespace with the two rules that clients build on: every write makes a new resource version, and a write that names another version than
/// the object has is a conflict. Changes are kept so that a watch can go on where it was, until they are compacted.
/// </summary>
internal sealed class StoredObjects
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private readonly List<ObjectChange> _changes = [];
    private TaskCompletionSource _changed = NewSignal();
    private long _version = 1;
    private long _forgotten;

    public long Version { get { lock (_gate) return _version; } }

    public JsonObject? Read(string kind, string name)
    {
        lock (_gate) return _objects.GetValueOrDefault(Key(kind, name))?.DeepClone().AsObject();
    }

    public (JsonObject[] Items, long Version) List(string kind, Func<JsonObject, bool> where)
    {
        lock (_gate) return ([.. _objects.Where(o => o.Key.StartsWith(kind + "/", StringComparison.Ordinal)).Select(o => o.Value.DeepClone().AsObject()).Where(where)], _version);
    }

    public WriteRefusal Create(string kind, JsonObject value, out JsonObject? written) => Write(kind, value, isNew: true, out written);

    public WriteRefusal Replace(string kind, JsonObject value, out JsonObject? written) => Write(kind, value, isNew: false, out written);

    /// <summary>Creates or replaces whatever is there: how a rehearsal plays the parts of a cluster that write by themselves.</summary>
    public void Put(string kind, JsonObject value)
    {
        value["metadata"]!.AsObject().Remove("resourceVersion");
        if (Replace(kind, value, out _) == WriteRefusal.Missing) Create(kind, value, out _);
    }

    public bool Delete(string kind, string name)
    {
        lock (_gate)
        {
            if (!_objects.Remove(Key(kind, name), out var gone)) return false;
            Note("DELETED", kind, gone.DeepClone().AsObject());
            return true;
        }
    }

    /// <summary>Forgets all changes up to now: a watch that wants to go on from before is told 410 Gone.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            // What changed last is forgotten as well, so that even a client which is up to date has to list anew.
            _forgotten = ++_version;
            _changes.Clear();
        }
    }

    /// <summary>The changes after a version; null when they are forgotten. The task completes with the next change.</summary>
    public (ObjectChange[] Changes, Task More)? After(long version, string kind)
    {
        lock (_gate) return version < _forgotten ? null : ([.. _changes.Where(c => c.Version > version && c.Kind == kind)], _changed.Task);
    }

    private WriteRefusal Write(string kind, JsonObject value, bool isNew, out JsonObject? written)
    {
        written = null;
        lock (_gate)
        {
            var metadata = value["metadata"]!.AsObject();
            var key = Key(kind, (string)metadata["name"]!);
            var there = _objects.GetValueOrDefault(key);
            if (isNew && there is not null) return WriteRefusal.Exists;
            if (!isNew && there is null) return WriteRefusal.Missing;
            var wanted = (string?)metadata["resourceVersion"];
            if (!isNew && !string.IsNullOrEmpty(wanted) && wanted != (string?)there!["metadata"]!["resourceVersion"]) return WriteRefusal.Conflict;
            var stored = value.DeepClone().AsObject();
            stored["metadata"]!["uid"] = there is null ? Guid.NewGuid().ToString() : (string?)there["metadata"]!["uid"];
            stored["metadata"]!["resourceVersion"] = (_version + 1).ToString(CultureInfo.InvariantCulture);
            _objects[key] = stored;
            Note(isNew ? "ADDED" : "MODIFIED", kind, stored);
            written = stored.DeepClone().AsObject();
            return WriteRefusal.None;
        }
    }

    private void Note(string type, string kind, JsonObject value)
    {
        _version++;
        value["metadata"]!["resourceVersion"] = _version.ToString(CultureInfo.InvariantCulture);
        _changes.Add(new ObjectChange(_version, type, kind, value.DeepClone().AsObject()));
        (var before, _changed) = (_changed, NewSignal());
        before.SetResult();
    }

    private static string Key(string kind, string name) => $"{kind}/{name}";

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
