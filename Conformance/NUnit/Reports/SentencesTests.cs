using NUnit.Framework;
using PubSub.Conformance.Fixture;
using PubSub.Conformance.Reports;

namespace PubSub.Conformance.Tests.Reports;

/// <summary>Every message is a sentence, for any data from the server.</summary>
[TestFixture]
[Parallelizable(ParallelScope.All)]
public sealed class SentencesTests
{
    private static readonly string[] Data =
    [
        "<!DOCTYPE html>\n<html>\n<head><title>Error\n 413</title></head>\n<body>" + new string('y', 5000) + "</body>\n</html>",
        new string(' ', 500) + "x",
        "a" + new string('\n', 50) + "b",
        new('x', 100_000),
        "",
    ];

    [TestCase("HttpAnswer { Status = 200, Reason = OK }")]
    [TestCase("observed { Id = 1 }")]
    [TestCase("a sentence: expected it to hold; observed it does not hold")]
    [TestCase("a sentence: expected ; observed nothing")]
    [TestCase("a sentence: expected True; observed False after 5 s")]
    [TestCase("observed System.Collections.Generic.List`1[System.String]")]
    [TestCase("observed a               b")]
    [TestCase("observed 500 <!doctype html><html>")]
    public void A_message_that_is_not_a_sentence_is_rejected(string message) => Assert.That(Sentences.Objections(message), Is.Not.Empty);

    [Test]
    public void The_message_of_a_violation_is_a_sentence([ValueSource(nameof(Data))] string observed)
    {
        var violation = new Violation("The server answers", "a reply", observed);

        Assert.That(Sentences.Objections(violation.Message + "."), Is.Empty);
        Assert.That(violation.Observed, Has.Length.LessThan(1_000));
        Assert.That(Sentences.Objections(new Inconclusive($"not established: {observed}.").Message), Is.Empty);
    }

    [TestCase(0, "500 Oops an HTML page of 5,083 characters, titled \"Error 413\"")]
    [TestCase(1, "500 Oops [501 spaces] x")]
    public void An_answer_is_described_in_words(int data, string quoted) =>
        Assert.That($"500 Oops {Data[data]}".Quoted(), Is.EqualTo(quoted));

    [Test]
    public void A_cut_text_gives_its_original_length() =>
        Assert.That(new string('x', 100_000).Quoted(10), Is.EqualTo("xxxxxxxxxx\u2026 (100,000 characters)"));

    [Test]
    public void A_cut_does_not_split_a_surrogate_pair() => Assert.That("ab\U0001f600".Cut(3), Is.EqualTo("ab\u2026"));

    [Test]
    public async Task Values_of_every_type_are_described_in_words()
    {
        var scenarios = new Dictionary<string, Action<Expect>>
        {
            ["a condition"] = expect => expect.True(false, "the server is perfect"),
            ["a tuple"] = expect => expect.Equal((200, (string?)null), (404, "x"), "the answer is right"),
            ["a flag"] = expect => expect.Equal(true, false, "it is listed"),
            ["an empty JSON text"] = expect => expect.JsonEqual("", "1", "the payload comes back"),
            ["several"] = expect => expect.OneOf([1, 2], 3, "it is one of them"),
        };

        var run = await Script.PlayAsync([.. scenarios.Select((one, i) => Script.Scene($"s{i}", stage =>
        {
            one.Value(stage.Expect);
            return Task.CompletedTask;
        }))]);

        Assert.That(Sentences.Objections(run.Scenarios), Is.Empty);
        Assert.That(run.Of("s0").Message, Is.EqualTo("the server is perfect: expected yes; observed no"));
        Assert.That(run.Of("s1").Message, Is.EqualTo("the answer is right: expected 200, nothing; observed 404, \"x\""));
        Assert.That(run.Of("s3").Message, Does.Contain("expected an empty text"));
    }
}
