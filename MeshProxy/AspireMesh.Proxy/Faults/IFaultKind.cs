using AspireMesh.Proxy.Faults.Bytes;
using AspireMesh.Proxy.Faults.Handshakes;
using Microsoft.AspNetCore.Http;

namespace AspireMesh.Proxy.Faults;

/// <summary>
/// One kind of fault with its settings. A kind is one small file that implements one or more of the hooks below. To add one: a constant in
/// <see cref="AspireMesh.Protocol.Faults.FaultKinds"/>, its checks in FaultKindChecks, a file in Kinds, a line in <see cref="FaultKindTable"/>,
/// an option of <c>aspiremesh faults add</c> and a builder in Faults; tests that walk the kinds name what was forgotten.
/// </summary>
internal interface IFaultKind
{
    /// <summary>When it is decided.</summary>
    FaultStage Stage => FaultStage.Request;

    /// <summary>It answers, breaks or swallows what it hits: faults after it are not asked.</summary>
    bool Ends => false;

    /// <summary>Whether there is anything here that it could act on; what it cannot act on takes no ordinal.</summary>
    /// <param name="request">Null for an opaque connection.</param>
    bool AppliesTo(HttpRequest? request) => true;
}

/// <summary>When in a request's life a fault is decided.</summary>
internal enum FaultStage
{
    /// <summary>A destination is to be chosen.</summary>
    Discovery,

    /// <summary>A request is to be sent, or an opaque connection to be joined.</summary>
    Request,

    /// <summary>A TLS handshake begins.</summary>
    Handshake,

    /// <summary>Something is exchanged with the control plane.</summary>
    Control,
}

/// <summary>Acts before the request is forwarded, or before the connection is opened.</summary>
internal interface IBeforeFault : IFaultKind
{
    /// <summary>Says which strategies it is made of.</summary>
    void AddTo(BeforeBuilder strategies);
}

/// <summary>Acts on the bytes of one direction: a body, an upgraded stream or an opaque connection.</summary>
internal interface IByteFault : IFaultKind
{
    /// <summary>What the direction is for: <c>request</c>, <c>response</c> or <c>both</c>.</summary>
    string Direction { get; }

    /// <summary>The number of bytes that come out differs from what goes in, so an announced length is taken away.</summary>
    bool ChangesLength => false;

    /// <summary>Gives what goes on in place of what came. Ends early for an end, throws <see cref="FaultBreakException"/> for a break.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> Shape(IAsyncEnumerable<ReadOnlyMemory<byte>> bytes, ByteFlow flow, CancellationToken cancellation);
}

/// <summary>Acts around the exchange of a request for a response.</summary>
internal interface IExchangeFault : IFaultKind
{
    /// <summary>Sends it, or not, or twice, and gives the response or a changed one.</summary>
    Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> next, CancellationToken cancellation);
}

/// <summary>Acts on a TLS handshake of this sidecar's.</summary>
internal interface IHandshakeFault : IFaultKind
{
    /// <summary>What is different about it.</summary>
    HandshakeChange Change(ChaosCertificates certificates);
}
