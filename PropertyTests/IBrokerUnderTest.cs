namespace PubSub.PropertyTests;

/// <summary>Whatever claims to be the broker: <see cref="Model"/>, which is right by definition, and those that are held against it.</summary>
internal interface IBrokerUnderTest : IAsyncDisposable
{
    /// <summary>How long it may take until everybody can see what was done.</summary>
    TimeSpan Patience => TimeSpan.Zero;

    /// <summary>Takes one step and says what came of it.</summary>
    /// <param name="step">Its number, from 0; what is published or answered in it is named after it.</param>
    /// <param name="command">The step.</param>
    ValueTask<string> DoAsync(int step, Command command);

    /// <summary>What can be seen now: see <see cref="Sight"/>.</summary>
    ValueTask<string> LookAsync();
}
