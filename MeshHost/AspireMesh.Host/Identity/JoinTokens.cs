using System.Security.Cryptography;
using System.Text;

namespace AspireMesh.Host.Identity;

/// <summary>Why a token was refused, or that it was not.</summary>
internal enum JoinOutcome
{
    Accepted,
    Malformed,
    OtherMesh,
    Unknown,
    Replayed,
    Expired,
    WrongWorkload,
}

/// <summary>
/// Single-use, short-lived tokens, each bound to one sidecar of this mesh. Only hashes are kept. A token says which mesh it is of, so that one of
/// another mesh is told apart from one that was made up; a used one is remembered until it would have expired anyway, so that a replay is told apart too.
/// The key that used a token may use it again within its life: that is a sidecar whose answer was lost on the way, and only it holds the key.
/// </summary>
internal sealed class JoinTokens(string trustDomain, TimeSpan lifetime, TimeProvider time)
{
    private const string Prefix = "aspiremesh1";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = [];
    private readonly Dictionary<JoinOutcome, long> _counts = [];

    /// <summary>How often each outcome was seen.</summary>
    public IReadOnlyDictionary<JoinOutcome, long> Counts { get { lock (_gate) return new Dictionary<JoinOutcome, long>(_counts); } }

    /// <summary>A new token for one sidecar. A sidecar may have several: each start gets its own.</summary>
    public string Issue(string workload, string instance)
    {
        var token = $"{Prefix}.{trustDomain}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}";
        lock (_gate)
        {
            RemoveExpired();
            _entries[Hash(token)] = new Entry(workload, instance, time.GetUtcNow() + lifetime);
        }
        return token;
    }

    /// <summary>Uses a token up. A token shown for another sidecar than its own is used up as well: whoever holds it is not who should.</summary>
    /// <param name="token">What was shown.</param>
    /// <param name="workload">The workload that it was shown for.</param>
    /// <param name="instance">The sidecar.</param>
    /// <param name="key">Fingerprint of the key that the sidecar proved to hold.</param>
    public JoinOutcome Redeem(string? token, string workload, string instance, string key)
    {
        lock (_gate)
        {
            var outcome = Decide(token, workload, instance, key);
            _counts[outcome] = _counts.GetValueOrDefault(outcome) + 1;
            return outcome;
        }
    }

    private JoinOutcome Decide(string? token, string workload, string instance, string key)
    {
        if (token is null || token.Length > 512 || !token.StartsWith(Prefix + '.', StringComparison.Ordinal)) return JoinOutcome.Malformed;
        var secret = token.LastIndexOf('.');
        if (secret <= Prefix.Length) return JoinOutcome.Malformed;
        if (token[(Prefix.Length + 1)..secret] != trustDomain) return JoinOutcome.OtherMesh;
        if (!_entries.TryGetValue(Hash(token), out var entry)) return JoinOutcome.Unknown;
        var itsOwn = entry.Workload == workload && entry.Instance == instance;
        if (entry.UsedBy is not null && !(itsOwn && entry.UsedBy == key)) return JoinOutcome.Replayed;
        if (entry.Expires < time.GetUtcNow()) return entry.UsedBy is null ? JoinOutcome.Expired : JoinOutcome.Replayed;
        entry.UsedBy = itsOwn ? key : "";
        return itsOwn ? JoinOutcome.Accepted : JoinOutcome.WrongWorkload;
    }

    private void RemoveExpired()
    {
        // Kept for one more lifetime, so that "expired" and "replayed" can still be told from "unknown".
        var before = time.GetUtcNow() - lifetime;
        foreach (var (hash, entry) in _entries)
        {
            if (entry.Expires < before) _entries.Remove(hash);
        }
    }

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private sealed class Entry(string workload, string instance, DateTimeOffset expires)
    {
        public string Workload => workload;
        public string Instance => instance;
        public DateTimeOffset Expires => expires;
        public string? UsedBy { get; set; }
    }
}
