using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace AspireMesh.Proxy.Outbound.Forwarding.Http1;

/// <summary>How a forwarder's send ended.</summary>
/// <param name="Error">What went wrong; None for nothing.</param>
/// <param name="Exception">With what.</param>
internal readonly record struct ForwardResult(ForwarderError Error, Exception? Exception = null)
{
    public static ForwardResult Done => new(ForwarderError.None);
}

/// <summary>
/// One request and its answer on one connection: head → body, while the answer is awaited → interim answers are skipped → head of the answer to the attempt, which
/// may hold it back → body → trailers. What breaks in the answer's middle breaks the caller's connection: a cut message must never look whole.
/// </summary>
internal sealed class Http1Exchange(Attempt attempt, OutboundRequest request, Http1Connection connection, TimeProvider time, CancellationToken cancellation)
{
    /// <summary>An honest server sends one or two.</summary>
    private const int MostInterim = 32;

    private readonly HttpContext _context = request.Context;
    private RequestBodyPump? _body;
    private IdleWatch? _idle;
    private ChunkReader _chunks;
    private long _left;
    private bool _bodyDone;
    private int _headLength;

    /// <summary>Whether the connection can carry another request.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>It broke before anything of an answer came.</summary>
    public bool HeardNothing { get; private set; }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ForwardResult> RunAsync()
    {
        using var onCancel = cancellation.UnsafeRegister(static e => ((Http1Exchange)e!).Stop(), this);
        try
        {
            if (!request.Deadline.IsBounded) WatchIdle();
            await SendAsync();
            if (!await ReceiveHeadAsync()) return Cut();
            if (!attempt.TryPass(connection.Head, HeadBytes)) return HeldBack();
            return await AnswerAsync();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            return Broken(e);
        }
        finally
        {
            // An answer that is whole before the request's body is: the rest of that has nobody to read it.
            if (_body is { } body) await body.EndAsync();
            _idle?.Dispose();
            KeepsConnection &= _body is null or { IsSent: true };
        }
    }

    /// <summary>The answer's head; valid until the next read.</summary>
    private ReadOnlySpan<byte> HeadBytes => connection.Unread[.._headLength];

    private ValueTask SendAsync()
    {
        var chunked = request.HasBody && (_context.Request.ContentLength is null || _context.Request.Headers.TransferEncoding.Count > 0);
        RequestWriter.Write(connection, _context.Request, attempt.Changes, chunked);
        if (!request.HasBody) return connection.FlushAsync();
        _body = new RequestBodyPump(connection, _context.Request.Body, chunked, () => _idle?.Touch());
        _body.Begin();
        return ValueTask.CompletedTask;
    }

    /// <summary>Reads on to the head of the final answer; false where the connection ended before it.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReceiveHeadAsync()
    {
        for (var interim = 0; interim < MostInterim;)
        {
            _headLength = connection.FindSection();
            if (_headLength == 0)
            {
                if (!await connection.FillAsync()) return false;
                continue;
            }
            connection.Head.Read(HeadBytes, _context.Request.Method);
            if (connection.Head.Status is >= 200) return true;
            if (connection.Head.Status == StatusCodes.Status101SwitchingProtocols) throw new ResponseFormatException("it switches protocols, which nobody asked for");
            connection.Take(_headLength);
            interim++;
        }
        throw new ResponseFormatException($"more than {MostInterim} interim answers");
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ForwardResult> AnswerAsync()
    {
        var head = connection.Head;
        ResponseWriter.CopyHead(head, HeadBytes, _context);
        attempt.EditResponse(_context);
        connection.Take(_headLength);
        var keeps = head.KeepsConnection;
        _left = head.Length;
        if (head.Framing != BodyFraming.None && !(head.Framing == BodyFraming.Length && _left == 0))
        {
            if (await CopyBodyAsync(head.Framing) is { Error: not ForwarderError.None } failure) return failure;
        }
        KeepsConnection = keeps && connection.Unread.IsEmpty;
        return ForwardResult.Done;
    }

    private async ValueTask<ForwardResult> CopyBodyAsync(BodyFraming framing)
    {
        var response = _context.Response;
        while (true)
        {
            // The length is what the caller was told, so bytes and their end go out together; without one, whoever waits for a stream waits for its head first.
            if (!connection.Unread.IsEmpty && !response.HasStarted) await response.StartAsync(CancellationToken.None);
            var wrote = framing == BodyFraming.Chunked ? WriteChunks(response.BodyWriter) : WriteBytes(response.BodyWriter, framing);
            if (_bodyDone) return ForwardResult.Done;
            var filling = connection.FillAsync();
            if (wrote || (framing != BodyFraming.Length && !response.HasStarted && !filling.IsCompleted))
            {
                // What has come goes to the caller before the next bytes are waited for.
                var flushing = response.BodyWriter.FlushAsync(CancellationToken.None);
                if (!flushing.IsCompletedSuccessfully) WatchIdle();
                if ((await flushing).IsCompleted) return await CallerLeftAsync(filling);
            }
            if (!filling.IsCompleted) WatchIdle();
            var filled = await filling;
            _idle?.Touch();
            if (filled) continue;
            if (framing == BodyFraming.UntilClose) return ForwardResult.Done;
            return Broken(new IOException("the answer ended before its end"));
        }
    }

    private bool WriteBytes(IBufferWriter<byte> to, BodyFraming framing)
    {
        var bytes = connection.Unread;
        if (framing == BodyFraming.Length && bytes.Length >= _left)
        {
            bytes = bytes[..(int)_left];
            _bodyDone = true;
        }
        to.Write(bytes);
        _left -= bytes.Length;
        connection.Take(bytes.Length);
        return bytes.Length > 0;
    }

    private bool WriteChunks(IBufferWriter<byte> to)
    {
        var wrote = false;
        while (!connection.Unread.IsEmpty)
        {
            if (_chunks.IsAtTrailers)
            {
                ReadTrailers();
                return wrote;
            }
            connection.Take(_chunks.Take(connection.Unread));
            var data = connection.Unread[..(int)Math.Min(connection.Unread.Length, _chunks.DataLeft)];
            if (data.IsEmpty) continue;
            to.Write(data);
            wrote = true;
            _chunks.DataLeft -= data.Length;
            connection.Take(data.Length);
        }
        return wrote;
    }

    private void ReadTrailers()
    {
        if (connection.FindSection() is not (> 0 and var length)) return;
        if (ResponseHead.GrpcStatusIn(connection.Unread[..length]) is { } status) request.GrpcStatus = status;
        connection.Take(length);
        _bodyDone = true;
    }

    private async ValueTask<ForwardResult> CallerLeftAsync(ValueTask<bool> filling)
    {
        connection.Break();
        try
        {
            await filling;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            return new ForwardResult(ForwarderError.ResponseBodyClient, e);
        }
        return new ForwardResult(ForwarderError.ResponseBodyClient);
    }

    /// <summary>Another attempt follows. The connection is kept where the whole answer is here already.</summary>
    private ForwardResult HeldBack()
    {
        var head = connection.Head;
        connection.Take(_headLength);
        var rest = head.Framing switch { BodyFraming.None => 0, BodyFraming.Length => head.Length, _ => -1 };
        KeepsConnection = head.KeepsConnection && rest == connection.Unread.Length;
        return ForwardResult.Done;
    }

    private ForwardResult Cut() => Broken(new IOException("the connection ended before an answer"));

    private ForwardResult Broken(Exception e)
    {
        connection.Break();
        HeardNothing = !connection.HasHeard && !cancellation.IsCancellationRequested;
        var begun = attempt.Passed;
        if (begun) BreakAnswer();
        if (_body is { CallerFailed: true } body) return new ForwardResult(ForwarderError.RequestBodyClient, body.Failure);
        if (_idle is { HasPassed: true }) return new ForwardResult(begun ? ForwarderError.UpgradeActivityTimeout : ForwarderError.RequestTimedOut, e);
        if (cancellation.IsCancellationRequested) return new ForwardResult(begun ? ForwarderError.ResponseBodyCanceled : ForwarderError.RequestCanceled, e);
        return new ForwardResult(begun ? ForwarderError.ResponseBodyDestination : ForwarderError.Request, e);
    }

    private void BreakAnswer()
    {
        if (_context.Response.HasStarted)
        {
            _context.Abort();
            return;
        }
        _context.Response.Clear();
        _context.Response.StatusCode = StatusCodes.Status502BadGateway;
    }

    /// <summary>From the token or the idle timer: everything on the connection ends.</summary>
    private void Stop()
    {
        _body?.Stop();
        connection.Break();
    }

    private void WatchIdle()
    {
        if (_idle is null && request.Route.Snapshot.Timeouts.Idle is var limit && limit > TimeSpan.Zero) _idle = new IdleWatch(time, limit, Stop);
    }
}
