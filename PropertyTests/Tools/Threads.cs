using System.Collections.Concurrent;
using System.Globalization;

namespace PubSub.PropertyTests.Tools;

/// <summary>Runs actions on real threads that start at one moment, and must end.</summary>
internal static class Threads
{
    /// <summary>
    /// How long anything that must happen may take; reached only when it does not. <c>PUBSUB_LAW_PATIENCE</c> gives fewer seconds, for
    /// mutation testing (ci/mutation).
    /// </summary>
    public static readonly TimeSpan Patience =
        TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("PUBSUB_LAW_PATIENCE") ?? "60", CultureInfo.InvariantCulture));

    /// <summary>Runs the actions at once and returns when all have ended; throws what they threw.</summary>
    public static void Together(params Action[] actions)
    {
        using var start = new Barrier(actions.Length);
        var faults = new ConcurrentQueue<Exception>();
        var threads = actions.Select(action => new Thread(() => Run(action, start, faults)) { IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        var deadline = Task.Delay(Patience);
        foreach (var thread in threads)
        {
            while (!thread.Join(TimeSpan.FromMilliseconds(100)))
            {
                if (deadline.IsCompleted)
                {
                    throw new TimeoutException("a thread did not end", faults.FirstOrDefault());
                }
            }
        }

        if (!faults.IsEmpty)
        {
            throw new AggregateException(faults);
        }
    }

    /// <summary>Lets the thread pool run what was queued before: a continuation that has not run by then was not queued.</summary>
    public static void SettlePool()
    {
        for (var i = 0; i < 5; i++)
        {
            var reached = new TaskCompletionSource();
            ThreadPool.UnsafeQueueUserWorkItem(sentinel => sentinel.SetResult(), reached, preferLocal: false);
            if (!reached.Task.Wait(Patience))
            {
                throw new TimeoutException("the thread pool is stuck");
            }
        }
    }

#pragma warning disable CA1031 // the waiting thread throws any exception again
    private static void Run(Action action, Barrier start, ConcurrentQueue<Exception> faults)
    {
        start.SignalAndWait();
        try
        {
            action();
        }
        catch (Exception fault)
        {
            faults.Enqueue(fault);
        }
    }
#pragma warning restore CA1031
}
