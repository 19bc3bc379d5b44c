using System.Diagnostics;
using System.Text;
using NUnit.Framework;
using PubSub.Stress.Bars;
using PubSub.Stress.CommandLine;
using PubSub.Stress.Loads;
using PubSub.Stress.Measure;
using PubSub.Stress.Net;
using PubSub.Stress.Protocols;
using PubSub.Stress.Results;

namespace PubSub.Stress.Tests;

[TestFixture]
public sealed class PartsTests
{
    [TestCase("""{"type":"event","message":{"id":"000000000001","payload":1},"timestamp":"2026-01-01T00:00:00Z"}""")]
    [TestCase("""{"timestamp":"2026-01-01T00:00:00Z","type":"event","message":{"id":"000000000001","payload":1}}""")]
    [TestCase("""{"type":"event","message":{"id":"000000000001","payload":1}}""")]
    public void A_shape_fits_only_frames_of_its_kind(string text)
    {
        var frame = Encoding.UTF8.GetBytes(text);
        var parsed = new ServerMessage(frame);
        var shape = FrameShape.Learn(frame, parsed.MessageIdAt, parsed.Timestamp);

        Assert.That(Fits(text.Replace("000000000001", "000000000042", StringComparison.Ordinal)), Is.EqualTo(42));
        Assert.That(Fits(text.Replace("00:00:00Z", "00:00:00.1234Z", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(Fits(text.Replace("\"payload\":1", "\"payload\":2", StringComparison.Ordinal)), Is.Null);
        Assert.That(Fits(text.Replace("000000000001", "00000000000x", StringComparison.Ordinal)), Is.Null);
        Assert.That(Fits(text + " "), Is.Null);
        Assert.That(Fits(text[..^1]), Is.Null);

        long? Fits(string other) => shape.TryRead(Encoding.UTF8.GetBytes(other), out var number) ? number : null;
    }

    [Test]
    public void Masking_is_its_own_inverse_at_every_length()
    {
        for (var length = 0; length < 40; length++)
        {
            var bytes = Enumerable.Range(0, length).Select(n => (byte)n).ToArray();
            var (masked, back) = (new byte[length], new byte[length]);

            Mask.Copy(bytes, masked, 0x5AC39617);
            Mask.Copy(masked, back, 0x5AC39617);

            Assert.That(back, Is.EqualTo(bytes));
            Assert.That(length < 4 || !masked.SequenceEqual(bytes));
        }
    }

    [Test]
    public void The_pace_is_that_of_the_slowest_subscriber()
    {
        var pace = new Pace(subscribers: 3, outstanding: 5);

        pace.Move(0, 5);
        pace.Move(0, 2);
        var before = pace.Slowest;
        pace.Move(0, 4);

        Assert.That((before, pace.Slowest, pace.Received), Is.EqualTo((0, 2, 11)));
    }

    [Test]
    public void Messages_come_due_whether_or_not_earlier_ones_were_sent()
    {
        var schedule = new Schedule(perSecond: 1000);
        schedule.Start();

        var now = schedule.DueAt(1) + Stopwatch.Frequency;

        Assert.That(schedule.DueBy(now), Is.EqualTo(1001).Within(1));
        Assert.That(schedule.DueAt(1001) - schedule.DueAt(1), Is.EqualTo(Stopwatch.Frequency).Within(1).Percent);
        Assert.That(schedule.DueBy(schedule.DueAt(1) - 1), Is.Zero);
    }

    [Test]
    public void Growth_during_warm_up_is_flat_and_a_leak_is_not()
    {
        var (warm, leak) = (new Flatness("memory", "MB", 0.05, 1), new Flatness("memory", "MB", 0.05, 1));
        for (var n = 0; n < 100; n++)
        {
            warm.Add(n < 20 ? n : 60 + (n % 3));
            leak.Add(60 + (n * 0.2));
        }

        Assert.That(warm.Judge(new Measured()), Is.Null);
        Assert.That(leak.Judge(new Measured()), Does.Contain("not flat"));
    }

    [Test]
    public void A_ratio_divides_the_medians_and_its_range_covers_the_repetitions()
    {
        var runs = new[] { (1, 10.0, 5.0), (2, 20.0, 8.0), (3, 12.0, 6.0) }
            .SelectMany(one => new[] { Run("a", one.Item1, one.Item2), Run("b", one.Item1, one.Item3) }).ToArray();

        var ratio = Ratio.Of(runs, "a", "b", Ratio.Figure("rate"))!;

        Assert.That((ratio.Median, ratio.Min, ratio.Max), Is.EqualTo((2.0, 2.0, 2.5)));
        Assert.That(Ratio.Of(runs, "a", "c", Ratio.Figure("rate")), Is.Null);
    }

    [Test]
    public void A_difference_is_that_of_the_medians_and_its_range_covers_the_repetitions()
    {
        Run[] ours = [Run("a", 1, 7), Run("a", 2, 9), Run("a", 3, 8)];
        Run[] theirs = [Run("b", 1, 1), Run("b", 2, 2), Run("b", 3, 2)];

        var added = Ratio.Difference(ours, theirs, Ratio.Figure("rate"))!;

        Assert.That((added.Median, added.Min, added.Max), Is.EqualTo((6.0, 6.0, 7.0)));
        Assert.That(Ratio.Difference(ours, [], Ratio.Figure("rate")), Is.Null);
    }

    [TestCase(1.3, true, "met")]
    [TestCase(1.9, true, "MOONSHOT")]
    [TestCase(1.0, true, "missed by 20 %")]
    [TestCase(1.0, false, "MOONSHOT")]
    [TestCase(2.5, false, "missed by 100 %")]
    public void A_bar_says_whether_it_is_met(double measured, bool isLeast, string verdict)
    {
        var limits = isLeast ? Limits.AtLeast(1.25, 1.75) : Limits.AtMost(1.25, 1.1);
        var bar = new Bar("a bar", limits, "x", new Spread(measured, measured, measured), "");

        Assert.That(bar.Verdict, Is.EqualTo(verdict));
        Assert.That((bar with { Value = null }).Verdict, Is.EqualTo("not measured"));
    }

    [Test]
    public void Latencies_of_several_threads_are_one_distribution()
    {
        var (one, other) = (new Latencies(), new Latencies());
        for (var n = 1; n <= 1000; n++)
        {
            (n % 2 == 0 ? one : other).Add(n * (Stopwatch.Frequency / 1_000_000));
        }

        one.Add(other);
        var all = one.Summarize()!;

        Assert.That(all.Count, Is.EqualTo(1000));
        Assert.That(all.P50, Is.EqualTo(500).Within(1).Percent);
        Assert.That(all.Max, Is.EqualTo(1000).Within(1).Percent);
        Assert.That(new Latencies().Summarize(), Is.Null);
    }

    [Test]
    public void On_another_system_the_tool_says_in_one_line_that_it_runs_on_Linux_only()
    {
        using var said = new StringWriter();
        var error = Console.Error;
        Console.SetError(said);
        try
        {
            Assert.That(Tool.Run(["--help"], isLinux: false), Is.EqualTo(ExitCode.Usage));
        }
        finally
        {
            Console.SetError(error);
        }

        Assert.That(said.ToString(), Is.EqualTo(Tool.LinuxOnly + Environment.NewLine));
    }

    private static readonly Dictionary<string, Percentiles> NoLatencies = [];

    private static Run Run(string contender, int repetition, double rate)
    {
        var figures = new Measured().Add("rate", rate, "1/s").Figures;
        return new("scenario", contender, repetition, null, new Dictionary<string, double>(), figures, NoLatencies, null);
    }
}
