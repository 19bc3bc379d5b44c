namespace PubSub.PropertyTests.Models;

/// <summary>An implementation of the broker: <see cref="Model"/>, which is right by definition, or one that is compared with it.</summary>
internal interface IBrokerUnderTest : IAsyncDisposable
{
    /// <summary>How long it may take until the effects of a step are visible.</summary>
    TimeSpan Patience => TimeSpan.Zero;

    /// <summary>Takes one step and returns its result.</summary>
    /// <param name="step">Its number, from 0; the messages and replies of the step are named after it.</param>
    /// <param name="command">The step.</param>
    ValueTask<string> DoAsync(int step, Command command);

    /// <summary>The visible state, as <see cref="Snapshot"/> describes it.</summary>
    ValueTask<string> LookAsync();
}
