namespace PubSub.PropertyTests.Tools;

/// <summary>Steps that many tests of topics begin with.</summary>
internal static class Shorthand
{
    public static Topic Create(Broker broker, string name)
    {
        broker.Create(name);
        return broker.Find(name)!;
    }

    /// <summary>Publishes <paramref name="count"/> numbered frames from <paramref name="first"/> on; each one wakes the readers.</summary>
    public static void Publish(Topic topic, int first, int count)
    {
        foreach (var number in Enumerable.Range(first, count))
        {
            topic.TryPublish(Frames.Of(number));
        }
    }
}
