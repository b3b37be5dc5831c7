using System.Reflection;
using Aspire.Hosting;
using Microsoft.Extensions.Hosting;

namespace AspireMesh.Simulator.Testing;

/// <summary>Runs an AppHost's entry point inside the test's process.</summary>
internal static class AppHostEntryPoint
{
    public static AppHostInterception Start(Assembly assembly, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    {
        var entryPoint = assembly.EntryPoint
            ?? throw new InvalidOperationException($"'{assembly.GetName().Name}' has no entry point. Reference the AppHost's project, and use its type in Projects.");
        var interception = new AppHostInterception(assembly, (options, settings) =>
        {
            TestDefaults.Apply(options, settings, assembly);
            configure(options, settings);
        });

        // The thread inherits the value and with it every builder the entry point makes; the caller's own stays as it was.
        var before = AppHostInterception.Current;
        AppHostInterception.Current = interception;
        new Thread(() => Run(entryPoint, args, interception)) { IsBackground = true, Name = $"entry point of {assembly.GetName().Name}" }.Start();
        AppHostInterception.Current = before;
        return interception;
    }

    private static void Run(MethodInfo entryPoint, string[] args, AppHostInterception interception)
    {
        try
        {
            entryPoint.Invoke(null, entryPoint.GetParameters().Length == 0 ? [] : [args]);
            interception.Fail(new InvalidOperationException($"The entry point of '{entryPoint.DeclaringType?.Assembly.GetName().Name}' ended without building an application."));
        }
        catch (TargetInvocationException exception)
        {
            interception.Fail(exception.InnerException ?? exception);
        }
    }
}
