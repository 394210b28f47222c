using System.Runtime.InteropServices;
using Thaw.Cli;

NativeHeap.MapLargeBuffers();

// The first signal asks the verb to end; a second one ends the process at once.
using var stop = new CancellationTokenSource();

void OnSignal(PosixSignalContext context)
{
    context.Cancel = true;
    if (stop.IsCancellationRequested)
        Environment.Exit(ExitCode.Failed);
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
return await ThawCommand.RunAsync(args, Terminal.System(), stop.Token);
