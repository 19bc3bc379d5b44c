namespace PubSub.Conformance;

/// <summary>
/// What the failure of a wait means. For a precondition nothing is decided (<see cref="Inconclusive"/>); for a check its own sentence is
/// broken.
/// </summary>
public static class Preconditions
{
    /// <summary>A violation on the way is a violation of this sentence.</summary>
    public static async Task<T> For<T>(this Task<T> wait, string expectation)
    {
        try
        {
            return await wait;
        }
        catch (Violation violation)
        {
            throw new Violation(expectation, violation.Expected, violation.Observed);
        }
    }

    /// <summary>As a precondition, an ack.</summary>
    public static async Task<ServerMessage> Acked(this Task<ServerMessage> reply)
    {
        var message = await reply.Given("the request is answered");
        return message.IsAck ? message : throw new Inconclusive($"a request that had to be acked was answered {message}");
    }

    /// <summary>As a precondition, an answer of the 2xx kind.</summary>
    public static async Task<T> Succeeded<T>(this Task<T> answer) where T : HttpAnswer
    {
        var http = await answer.Given("the request is answered");
        return http.IsSuccess ? http : throw new Inconclusive($"a request that had to succeed was answered {http}");
    }

    /// <summary>A control or a precondition: its violation decides nothing about the requirement.</summary>
    public static async Task<T> Given<T>(this Task<T> control, string precondition)
    {
        try
        {
            return await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}");
        }
    }

    /// <summary>The answer, or null when none came: that one has to come is another requirement.</summary>
    public static async Task<T?> IfAnswered<T>(this Task<T> answer) where T : class
    {
        try
        {
            return await answer;
        }
        catch (Violation)
        {
            // The server closed the connection, or did not answer.
            return null;
        }
    }

    /// <inheritdoc cref="Given{T}"/>
    public static async Task Given(this Task control, string precondition)
    {
        try
        {
            await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}");
        }
    }
}
