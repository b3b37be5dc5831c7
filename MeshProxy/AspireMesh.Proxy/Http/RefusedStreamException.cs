namespace AspireMesh.Proxy.Http;

/// <summary>The peer said that it processed nothing of a request whose body had been begun: REFUSED_STREAM, or GOAWAY with a lower last stream (RFC 9113 section 8.7).</summary>
internal sealed class RefusedStreamException() : IOException("The peer refused the stream before it read it.");
