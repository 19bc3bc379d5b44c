namespace PubSub.Conformance;

/// <summary>
/// What the failure of a wait means. For a precondition nothing is decided (<see cref="Inconclusive"/>), and the requirement that is really
/// broken is named; for a check its own sentence is broken.
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

    /// <summary>A violation on the way breaks this requirement, unless it already says which one.</summary>
    internal static async Task<T> Breaking<T>(this Task<T> wait, string requirement)
    {
        try
        {
            return await wait;
        }
        catch (Violation violation) when (violation.Breaks is null)
        {
            throw new Violation(violation.Expectation, violation.Expected, violation.Observed) { Breaks = requirement };
        }
    }

    /// <summary>As a precondition, an ack.</summary>
    public static async Task<ServerMessage> Acked(this Task<ServerMessage> reply)
    {
        var message = await reply.Given("the request is answered");
        return message.IsAck
            ? message
            : throw new Inconclusive(
                $"a request that had to be acked was answered {message}",
                message.Requirement,
                new Violation("a request as specified is acked", "an ack", message.ToString()));
    }

    /// <summary>As a precondition, an answer of the 2xx kind.</summary>
    public static async Task<T> Succeeded<T>(this Task<T> answer) where T : HttpAnswer
    {
        var http = await answer.Given("the request is answered");
        return http.IsSuccess
            ? http
            : throw new Inconclusive(
                $"a request that had to succeed was answered {http}",
                http.Requirement,
                new Violation("a request as specified succeeds", "a 2xx status", http.ToString()));
    }

    /// <summary>A control or a precondition: its violation decides nothing about another requirement than the one that it breaks.</summary>
    /// <param name="blames">The requirement that is then broken, where the violation does not say so.</param>
    public static async Task<T> Given<T>(this Task<T> control, string precondition, string? blames = null)
    {
        try
        {
            return await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}", blames ?? violation.Breaks, violation);
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
    public static async Task Given(this Task control, string precondition, string? blames = null)
    {
        try
        {
            await control;
        }
        catch (Violation violation)
        {
            throw new Inconclusive($"not established: {precondition}. {violation.Message}", blames ?? violation.Breaks, violation);
        }
    }
}
