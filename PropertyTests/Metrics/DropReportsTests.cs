using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using NUnit.Framework;
using PubSub.Hosting;
using PubSub.Hosting.Metrics;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Metrics;

/// <summary>The framework's console, with room for one line, drops lines while its reader does not read.</summary>
public sealed class DropReportsTests
{
    [Test]
    public void Every_line_that_the_console_drops_is_counted()
    {
        using var output = new StoppedOutput();
        using var console = Console(output);
        var logger = console.GetService<ILoggerFactory>()!.CreateLogger("test");
        var before = DropReports.Lines;
        Log.SlowConsumerClosed(logger, "is being written");
        Assert.That(() => output.Begun, Is.EqualTo(1).Soon());
        Log.SlowConsumerClosed(logger, "waits");

        for (var i = 0; i < 5; i++)
        {
            Log.SlowConsumerClosed(logger, "is dropped");
        }

        output.GoOn();
        Assert.That(() => output.Begun, Is.EqualTo(2).Soon());
        Log.SlowConsumerClosed(logger, "there is room again");
        Assert.That(() => DropReports.Lines - before, Is.EqualTo(5).Soon());
    }

    private static ServiceProvider Console(TextWriter output)
    {
        var usual = System.Console.Out;
        DropReports.Watch();
        System.Console.SetOut(output);
        try
        {
            var services = new ServiceCollection()
                .AddLogging(logging => logging.AddSimpleConsole())
                .Configure<ConsoleLoggerOptions>(console =>
                    (console.MaxQueueLength, console.QueueFullMode) = (1, ConsoleLoggerQueueFullMode.DropWrite))
                .BuildServiceProvider();
            services.GetServices<ILoggerProvider>().Single().CreateLogger(""); // it keeps the output that it finds
            return services;
        }
        finally
        {
            System.Console.SetOut(usual);
        }
    }

    /// <summary>Takes nothing until it may go on.</summary>
    private sealed class StoppedOutput : TextWriter
    {
        private readonly ManualResetEventSlim _goesOn = new();
        private int _begun;

        /// <summary>Writes that have begun.</summary>
        public int Begun => Volatile.Read(ref _begun);

        public override Encoding Encoding => Encoding.UTF8;

        public void GoOn() => _goesOn.Set();

        public override void Write(string? value)
        {
            Interlocked.Increment(ref _begun);
            _goesOn.Wait(Threads.Patience);
        }

        protected override void Dispose(bool disposing)
        {
            _goesOn.Dispose();
            base.Dispose(disposing);
        }
    }
}
