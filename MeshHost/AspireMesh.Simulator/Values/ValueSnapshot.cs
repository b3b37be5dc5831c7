namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is set later; readers wait for it.</summary>
public sealed class ValueSnapshot<T> where T : notnull
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether a value, or an error in its place, is there.</summary>
    public bool IsValueSet
    {
        get
        {
            lock (_gate)
            {
                return _source.Task.IsCompleted;
            }
        }
    }

    /// <summary>Waits for the value.</summary>
    public Task<T> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return _source.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Sets the value, or replaces it.</summary>
    public void SetValue(T value) => Set(source => source.TrySetResult(value));

    /// <summary>Makes every read fail with <paramref name="exception"/>.</summary>
    public void SetException(Exception exception) => Set(source => source.TrySetException(exception));

    internal bool TryGet(out T? value)
    {
        lock (_gate)
        {
            var isSet = _source.Task.IsCompletedSuccessfully;
            value = isSet ? _source.Task.Result : default;
            return isSet;
        }
    }

    private void Set(Action<TaskCompletionSource<T>> set)
    {
        lock (_gate)
        {
            if (_source.Task.IsCompleted)
            {
                _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            set(_source);
        }
    }
}
