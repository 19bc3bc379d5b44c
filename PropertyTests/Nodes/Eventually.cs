using NUnit.Framework;
using NUnit.Framework.Constraints;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Nodes;

internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks again and again until the answer is right, no longer than <see cref="Threads.Patience"/>.</summary>
    public static async Task IsAsync<T>(Func<Task<T>> ask, IResolveConstraint expression)
    {
        var right = expression.Resolve();
        var begun = TimeProvider.System.GetTimestamp();
        T answer;
        do
        {
            await Task.Delay(Interval);
            answer = await ask();
        }
        while (!right.ApplyTo(answer).IsSuccess && TimeProvider.System.GetElapsedTime(begun) < Threads.Patience);

        Assert.That(answer, right);
    }
}
