using System.Globalization;
using System.Text;

namespace PubSub.PropertyTests.Tools;

/// <summary>Makes frames that are easy to tell apart, and turns frames back into text.</summary>
internal static class Frames
{
    public static Frame Of(string text) => new(Encoding.UTF8.GetBytes(text));

    public static Frame Of(int number) => Of(Text(number));

    /// <summary>A frame of a number, padded to a length.</summary>
    public static Frame Of(int number, int length) => Of(Text(number), length);

    /// <summary>A frame of a text, padded to a length.</summary>
    public static Frame Of(string text, int length) => Of(text.PadRight(length));

    /// <summary>A message that shows its time behind a text, padded to a length.</summary>
    public static Draft At(long time, string text, int length = 0) =>
        new(Encoding.UTF8.GetBytes($"{text} {Time(time)}".PadRight(length)), time, text.Length + 1);

    /// <summary>The text of a stamp.</summary>
    public static string Time(long stamp) => new DateTime(stamp, DateTimeKind.Utc).ToString("O", CultureInfo.InvariantCulture);

    /// <summary>The stamp at the end of a text.</summary>
    public static long StampOf(string text) => DateTimeOffset.Parse(text[^Stamp.Length..], CultureInfo.InvariantCulture).UtcTicks;

    public static string Text(this Frame frame) => Encoding.UTF8.GetString(frame.Bytes.Span).TrimEnd();

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public static string[] Texts(int first, int count) => [.. Enumerable.Range(first, count).Select(Text)];

    public static string[] Texts(this ReadOnlyMemory<Outgoing> batch) => [.. batch.ToArray().Select(outgoing => outgoing.Frame.Text())];

    /// <summary>Takes and releases everything that is queued now.</summary>
    public static string[] TakeAll(this Subscriber subscriber)
    {
        var all = new List<string>();
        while (subscriber.Take(int.MaxValue) is { IsEmpty: false } batch)
        {
            all.AddRange(batch.Texts());
            subscriber.Release();
        }

        return [.. all];
    }

    /// <summary>Reads in batches of random sizes, until the last expected frame has come or no more can come.</summary>
    public static List<string> ReadUntil(this Subscriber subscriber, string last, Random random)
    {
        var read = new List<string>();
        while ((read.Count == 0 || read[^1] != last) && subscriber.Wait())
        {
            read.AddRange(subscriber.Take(random.Next(1, 200)).Texts());
            subscriber.Release();
        }

        return read;
    }

    /// <summary>The result of a wait while no other thread works; such a wait ends at once, or never.</summary>
    public static bool HasMore(this Subscriber subscriber) =>
        subscriber.WaitAsync() is { IsCompleted: true } ended
            ? ended.Result
            : throw new InvalidOperationException("nothing would ever wake this reader");

    /// <summary>Blocks this thread, no longer than <see cref="Threads.Patience"/>, until there is something to take.</summary>
    public static bool Wait(this Subscriber subscriber) =>
        subscriber.WaitAsync().AsTask().WaitAsync(Threads.Patience).GetAwaiter().GetResult();
}
