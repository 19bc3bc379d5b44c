using PubSub.Conformance.Gallery.Servers;

namespace PubSub.Conformance.Gallery.Mutants;

/// <summary>A connection that creates the topics which its requests name.</summary>
/// <param name="type">Of the requests that do.</param>
/// <param name="isLate">The request is refused first, and the topic created nevertheless.</param>
internal sealed class TopicFinder(SessionSeed seed, string type, bool isLate) : Session(seed)
{
    protected override void Answer(ClientRequest request)
    {
        if (!isLate && request.Type == type)
        {
            Topics.TryCreate(request.Topic);
        }

        base.Answer(request);
    }

    protected override void NotFound(ClientRequest request)
    {
        base.NotFound(request);
        if (isLate && request.Type == type)
        {
            Topics.TryCreate(request.Topic);
        }
    }
}
