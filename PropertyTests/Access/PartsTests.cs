using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PubSub.Hosting.Access;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Access;

public sealed class PartsTests
{
    [TestCase("orders", "orders", true)]
    [TestCase("orders", "order", false)]
    [TestCase("orders", "orders2", false)]
    [TestCase("orders", "Orders", false)]
    [TestCase("orders", "orders*", false)]
    [TestCase("orders*", "orders", true)]
    [TestCase("orders*", "orders2", true)]
    [TestCase("orders*", "orders*", true)]
    [TestCase("orders*", "order", false)]
    [TestCase("orders*", "xorders", false)]
    [TestCase("a*b", "a*b", true)]
    [TestCase("a*b", "axb", false)]
    [TestCase("*", "anything", true)]
    [TestCase("a b*", "b", true)]
    [TestCase("", "a", false)]
    public void A_pattern_is_a_name_or_a_prefix_followed_by_a_star(string entries, string topic, bool has)
    {
        Assert.That(Pattern.Fault(entries.Split(' ', StringSplitOptions.RemoveEmptyEntries), out var pattern), Is.Null);

        Assert.That(pattern.Has(topic), Is.EqualTo(has));
    }

    [TestCase("")]
    [TestCase(".")]
    [TestCase("a\n")]
    [TestCase(null)]
    public void A_pattern_that_no_topic_can_have_is_refused(string? entry) =>
        Assert.That(Pattern.Fault([entry!], out _), Is.EqualTo("is a list of topic names, and of prefixes followed by *"));

    [Test]
    public void A_list_of_patterns_is_bounded()
    {
        Assert.That(Pattern.Fault([.. Enumerable.Range(0, 100).Select(Frames.Text)], out _), Is.Null);
        Assert.That(Pattern.Fault([.. Enumerable.Range(0, 101).Select(Frames.Text)], out _), Is.EqualTo("has at most 100 entries"));
    }

    [TestCase("""{"keys":[]}""", null)]
    [TestCase("""[]""", "it must be JSON with keys as `key new` writes them")]
    [TestCase("null", "it must be an object with keys")]
    [TestCase("""{"keys":null}""", "it must be JSON")]
    [TestCase("""{"keys":[null]}""", "keys[0] must not be null")]
    [TestCase("""{"keys":[],"more":1}""", "it must be JSON")]
    [TestCase("""{"keys":[KEY]}""", null)]
    [TestCase("""{"keys":[KEY,KEY]}""", "keys[1] must have an id that no other has")]
    [TestCase("""{"keys":[KEY]}""", "it must be JSON", "\"publish\"", "\"publsh\"")]
    [TestCase("""{"keys":[KEY]}""", "must have an id of 8 hexadecimal digits", "0123abcd", "0123ABCD")]
    [TestCase("""{"keys":[KEY]}""", "must have an id of 8 hexadecimal digits", "0123abcd", "0123")]
    [TestCase("""{"keys":[KEY]}""", "must have a sha256 of 64 hexadecimal digits", "f0f0", "f0")]
    [TestCase("""{"keys":[KEY]}""", "must have a sha256 of 64 hexadecimal digits", "f0f0", "g0f0")]
    [TestCase("""{"keys":[KEY]}""", "must have a name of 1 to 64", "\"some\"", "\"\"")]
    [TestCase("""{"keys":[KEY]}""", "must have a name of 1 to 64", "\"some\"", "\"a\\nb\"")]
    [TestCase("""{"keys":[KEY]}""", "must have a publish that is a list of topic names", "[\"a*\"]", "[\".\"]")]
    [TestCase("""{"keys":[KEY]}""", "must have a subscribe that is a list of topic names", "[\"b\"]", "[\"\"]")]
    [TestCase("""{"keys":[KEY]}""", "must have a manage that is a list of topic names", "[\"c\"]", "[\"..\"]")]
    [TestCase("""{"keys":[KEY]}""", "must have a connections of at least 1", "\"connections\":2", "\"connections\":0")]
    [TestCase("""{"keys":[KEY]}""", "must have a publishes_per_second of at least 1", "\"connections\":2", "\"publishes_per_second\":0")]
    [TestCase("""{"keys":[KEY]}""", "must have a bytes_per_second of at least 1", "\"connections\":2", "\"bytes_per_second\":-1")]
    public void A_file_of_keys_is_checked(string json, string? fault, string part = "", string by = "")
    {
        var key = $$"""
            {"id":"0123abcd","name":"some","sha256":"{{string.Concat(Enumerable.Repeat("f0f0", 16))}}",
            "publish":["a*"],"subscribe":["b"],"manage":["c"],"connections":2}
            """;
        var text = Encoding.UTF8.GetBytes(json.Replace("KEY", part.Length > 0 ? new Regex(Regex.Escape(part)).Replace(key, by, 1) : key));

        Assert.That(
            () => KeyFile.Parse(text), fault is null ? Throws.Nothing : Throws.TypeOf<FormatException>().With.Message.Contains(fault));
    }

    [Test]
    public void A_file_of_keys_reads_what_it_wrote()
    {
        var (_, id, sha256) = KeyEntry.New();
        var entry = new KeyEntry(id, "n", sha256, ["a"], ["b*"], []) { BytesPerSecond = 7 };

        var read = KeyFile.Parse(new KeyFile([entry]).ToJson()).Keys.Single();

        Assert.That((read.Id, read.Sha256, read.BytesPerSecond, read.Connections), Is.EqualTo((id, sha256, 7, (int?)null)));
        Assert.That(read.Subscribe, Is.EqualTo(entry.Subscribe));
    }

    [Test]
    public void A_key_is_right_as_a_whole_only()
    {
        var keys = new ApiKeys();
        var (key, id, sha256) = KeyEntry.New();
        var (other, otherId, otherSha256) = KeyEntry.New();
        keys.Load(File(new KeyEntry(id, "n", sha256, [], [], []), new KeyEntry(otherId, "m", otherSha256, [], [], [])));

        Assert.That(keys.Find(key)?.Name, Is.EqualTo("n"));
        Assert.That(keys.Find(other)?.Name, Is.EqualTo("m"));
        string[] wrong =
        [
            "", "psk_", key[..^1], key + "x", key[1..], key.ToUpperInvariant(), $" {key}", key.Replace(id, otherId),
            .. Enumerable.Range(0, key.Length).Select(place => $"{key[..place]}{(key[place] == 'x' ? 'y' : 'x')}{key[(place + 1)..]}"),
        ];
        Assert.That(wrong.Where(text => keys.Find(text) is not null), Is.Empty);
    }

    /// <summary>
    /// A hash is compared by the framework's own comparison in constant time, and nothing else in the room compares bytes. The measurement
    /// is of whole look-ups, in turns, so that a busy machine slows all kinds alike.
    /// </summary>
    [Test]
    public void How_long_a_key_takes_does_not_tell_how_much_of_it_is_right()
    {
        var keys = new ApiKeys();
        var (key, id, sha256) = KeyEntry.New();
        keys.Load(File(new KeyEntry(id, "n", sha256, [], [], [])));
        string[] kinds = [$"{key[..13]}{(key[13] == 'x' ? 'y' : 'x')}{key[14..]}", $"{key[..^1]}{(key[^1] == 'x' ? 'y' : 'x')}"];
        var times = kinds.Select(_ => new List<long>()).ToArray();
        for (var round = 0; round < 2_000; round++)
        {
            for (var kind = 0; kind < kinds.Length; kind++)
            {
                var start = Stopwatch.GetTimestamp();
                for (var n = 0; n < 20; n++)
                {
                    keys.Find(kinds[kind]);
                }

                times[kind].Add(Stopwatch.GetTimestamp() - start);
            }
        }

        var medians = times.Select(all => (double)all.Order().ElementAt(all.Count / 2)).ToArray();
        Assert.That(medians[1] / medians[0], Is.InRange(0.8, 1.25));
        Assert.That(Repository.Read("Host/Access/ApiKeys.cs"), Does.Contain("CryptographicOperations.FixedTimeEquals"));
        Assert.That(Repository.Read("Host/Access/ApiKeys.cs"), Does.Not.Contain("Hash ==").And.Not.Contain("Hash.SequenceEqual"));
    }

    [Test]
    public void Keys_that_stay_the_same_stay_the_same_identity_and_others_are_revoked()
    {
        var keys = new ApiKeys();
        var made = Enumerable.Range(0, 3).Select(_ => KeyEntry.New()).ToArray();
        var entries = made.Select(one => new KeyEntry(one.Id, "n", one.Sha256, ["a"], ["a"], ["a"])).ToArray();
        keys.Load(File(entries));
        var before = made.Select(one => keys.Find(one.Key)!).ToArray();

        keys.Load(File(entries[0], entries[1] with { Subscribe = ["b"] }));

        Assert.That(keys.Find(made[0].Key), Is.SameAs(before[0]));
        Assert.That(keys.Find(made[1].Key)!.Grant.Subscribe.Has("b"), Is.True);
        Assert.That(keys.Find(made[2].Key), Is.Null);
        Assert.That(before.Select(identity => identity.IsRevoked), Is.EqualTo(new[] { false, true, true }));
        Assert.That(() => keys.Load("{}"u8.ToArray()), Throws.TypeOf<FormatException>());
        Assert.That((keys.Count, keys.Find(made[0].Key)), Is.EqualTo((2, before[0])));
    }

    [Test]
    public void A_bucket_lets_pass_what_may_pass_in_a_second_and_then_says_when()
    {
        var rates = Rates.Of(publishes: 4, bytes: null)!;

        var passed = 0;
        Refusal? refusal;
        while ((refusal = rates.Take(1, 1_000_000)) is null)
        {
            passed++;
        }

        Assert.That(passed, Is.InRange(4, 6), "a second's worth, and what came meanwhile");
        Assert.That((refusal.Value.Code, refusal.Value.Status), Is.EqualTo((ErrorCode.RateLimited, 429)));
        Assert.That(refusal.Value.RetryAfter, Is.InRange(1, 250));
        Assert.That(() => rates.Take(1, 1), Is.Null.Soon());
        Assert.That(Rates.Of(null, null), Is.Null);
    }

    [Test]
    public void What_can_never_pass_is_no_matter_of_time()
    {
        Assert.That(Rates.Of(3, null)!.Take(4, 1)!.Value.Code, Is.EqualTo(ErrorCode.BadRequest));
        Assert.That(Rates.Of(null, 3)!.Take(1, 4)!.Value.Code, Is.EqualTo(ErrorCode.BadRequest));
        Assert.That(Rates.Of(null, 3)!.Take(9, 3), Is.Null);
    }

    private static byte[] File(params KeyEntry[] entries) => new KeyFile(entries).ToJson();
}
