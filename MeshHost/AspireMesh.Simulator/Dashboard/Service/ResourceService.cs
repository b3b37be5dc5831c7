using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using AspireMesh.Simulator.Dashboard.Feed;
using AspireMesh.Simulator.Dashboard.Protocol;
using AspireMesh.Simulator.Dashboard.Start;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireMesh.Simulator.Dashboard.Service;

/// <summary>Answers the dashboard's calls; one instance per call.</summary>
internal sealed partial class ResourceService(
    ResourceFeed feed, ResourceLoggerService logs, ResourceCommandService commands, IConfiguration configuration, IHostApplicationLifetime lifetime, ILogger<ResourceService> logger)
    : DashboardService.DashboardServiceBase
{
    /// <summary>Characters of log text in one message. The client refuses messages over 4 MB, and a character may take three bytes in UTF-8.</summary>
    private const int LogBatch = 1024 * 1024;

    public override Task<ApplicationInformationResponse> GetApplicationInformation(ApplicationInformationRequest request, ServerCallContext context)
    {
        const string suffix = "AppHost";
        var name = configuration[DashboardKeys.ApplicationName] ?? "";
        if (name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && name.Length > suffix.Length)
        {
            name = name[..^suffix.Length].TrimEnd('.');
        }

        return Task.FromResult(new ApplicationInformationResponse { ApplicationName = name });
    }

    public override Task WatchResources(WatchResourcesRequest request, IServerStreamWriter<WatchResourcesUpdate> responseStream, ServerCallContext context) =>
        StreamAsync(context, async stopping =>
        {
            using var subscription = feed.Subscribe();
            var initial = new InitialResourceData();
            initial.Resources.AddRange(subscription.Initial);
            initial.ResourceTypes.AddRange(subscription.Initial.Select(r => r.ResourceType).Distinct().Select(type => new ResourceType { UniqueName = type }));
            await responseStream.WriteAsync(new WatchResourcesUpdate { InitialData = initial }, stopping).ConfigureAwait(false);
            while (await subscription.Changes.WaitToReadAsync(stopping).ConfigureAwait(false))
            {
                var changes = new WatchResourcesChanges();
                while (subscription.Changes.TryRead(out var resource))
                {
                    changes.Value.Add(new WatchResourcesChange { Upsert = resource });
                }

                await responseStream.WriteAsync(new WatchResourcesUpdate { Changes = changes }, stopping).ConfigureAwait(false);
            }
        });

    public override Task WatchResourceConsoleLogs(
        WatchResourceConsoleLogsRequest request, IServerStreamWriter<WatchResourceConsoleLogsUpdate> responseStream, ServerCallContext context) =>
        StreamAsync(context, async stopping =>
        {
            var batches = request.SuppressFollow ? logs.GetAllAsync(request.ResourceName) : logs.WatchAsync(request.ResourceName);
            await foreach (var batch in batches.WithCancellation(stopping).ConfigureAwait(false))
            {
                var update = new WatchResourceConsoleLogsUpdate();
                var size = 0;
                foreach (var line in batch)
                {
                    var text = line.Content.Length > LogBatch ? line.Content[..LogBatch] : line.Content;
                    if (size + text.Length > LogBatch)
                    {
                        await responseStream.WriteAsync(update, stopping).ConfigureAwait(false);
                        (update, size) = (new WatchResourceConsoleLogsUpdate(), 0);
                    }

                    update.LogLines.Add(new ConsoleLogLine { LineNumber = line.LineNumber, Text = text, IsStdErr = line.IsErrorMessage });
                    size += text.Length;
                }

                if (update.LogLines.Count > 0)
                {
                    await responseStream.WriteAsync(update, stopping).ConfigureAwait(false);
                }
            }
        });

    public override async Task<ResourceCommandResponse> ExecuteResourceCommand(ResourceCommandRequest request, ServerCallContext context)
    {
        var arguments = new InteractionInputCollection([.. request.Arguments.Select(a => new Aspire.Hosting.InteractionInput { Name = a.Key, InputType = Aspire.Hosting.InputType.Text, Value = Text(a.Value) })]);
        var result = await commands.ExecuteCommandAsync(request.ResourceName, request.CommandName, arguments, context.CancellationToken).ConfigureAwait(false);
        var message = result.Message ?? "";
        var response = new ResourceCommandResponse
        {
            Kind = result switch
            {
                { Canceled: true } => ResourceCommandResponseKind.Cancelled,
                { Success: true } => ResourceCommandResponseKind.Succeeded,
                _ => ResourceCommandResponseKind.Failed,
            },
            Message = message,
            ErrorMessage = message,
        };
        if (result.Data is { } data)
        {
            response.Result = new ResourceCommandResult { Value = data.Value, Format = MapFormat(data.Format), DisplayImmediately = data.DisplayImmediately };
        }

        return response;
    }

    private static string Text(Google.Protobuf.WellKnownTypes.Value value) => value.KindCase switch
    {
        Google.Protobuf.WellKnownTypes.Value.KindOneofCase.StringValue => value.StringValue,
        Google.Protobuf.WellKnownTypes.Value.KindOneofCase.NumberValue => value.NumberValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Google.Protobuf.WellKnownTypes.Value.KindOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        _ => "",
    };

    private static Protocol.CommandResultFormat MapFormat(Aspire.Hosting.ApplicationModel.CommandResultFormat format) => format switch
    {
        Aspire.Hosting.ApplicationModel.CommandResultFormat.Json => Protocol.CommandResultFormat.Json,
        Aspire.Hosting.ApplicationModel.CommandResultFormat.Markdown => Protocol.CommandResultFormat.Markdown,
        _ => Protocol.CommandResultFormat.Text,
    };

    public override Task WatchInteractions(
        IAsyncStreamReader<WatchInteractionsRequestUpdate> requestStream, IServerStreamWriter<WatchInteractionsResponseUpdate> responseStream, ServerCallContext context) =>
        StreamAsync(context, async stopping =>
        {
            // The dashboard would reconnect for ever if this ended; there are no prompts to send, so it is only read to its end.
            while (await requestStream.MoveNext(stopping).ConfigureAwait(false))
            {
                LogInteraction(logger, requestStream.Current.InteractionId);
            }
        });

    /// <summary>Runs a stream until the caller or the application goes; neither is an error.</summary>
    private async Task StreamAsync(ServerCallContext context, Func<CancellationToken, Task> stream)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await stream(stopping.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (stopping.IsCancellationRequested && gone is OperationCanceledException or IOException)
        {
            LogStreamEnded(logger, context.Method);
        }
    }

    [LoggerMessage(LogLevel.Debug, "The dashboard answered a prompt {Id} that was never sent.")]
    private static partial void LogInteraction(ILogger logger, int id);

    [LoggerMessage(LogLevel.Debug, "The stream {Method} ended with its reader.")]
    private static partial void LogStreamEnded(ILogger logger, string method);
}
