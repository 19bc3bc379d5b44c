using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PubSub.Hosting.Protocol;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests.Protocol;

public sealed class TopicNameTests
{
    private static readonly Gen<string> LegalCharacter = Gen.OneOf(
        Gen.Elements("/", "%", "?", "#", "+", " ", ".", "..", "*", ">", "&", "=", ":", "@", "\\", "\""),
        Gen.Elements("é", "e\u0301", "€", "😀", "\u2028", "\uFEFF"),
        Gen.Choose(0x20, 0x7E).Select(code => char.ToString((char)code)),
        Gen.Choose(0xA0, 0xD7FF).Select(code => char.ToString((char)code)),
        Gen.Choose(0xE000, 0x10FFFF).Select(char.ConvertFromUtf32));

    private static readonly Gen<string> LegalName =
        Gen.Choose(1, 100)
            .SelectMany(length => LegalCharacter.ArrayOf(length))
            .Select(string.Concat)
            .Where(name => name is not ("." or ".."));

    [Test]
    public void Any_legal_name_survives_the_path_of_a_request()
    {
        Law.Holds(
            LegalName,
            name =>
                TopicName.Fault(name) is null
                && TopicName.TryFromTarget("/v1/topics/" + Uri.EscapeDataString(name), out var read) && read == name
                && TopicName.TryFromTarget("/v1/topics/" + EveryByte(name, "x2") + "?name=other/%zz", out var lower) && lower == name
                && TopicName.TryFromTarget("http://localhost:8080/v1/topics/" + EveryByte(name, "X2"), out var upper) && upper == name,
            times: 500);
    }

    [TestCase("/v1/topics/a%2Fb", ExpectedResult = "a/b")]
    [TestCase("/v1/topics/a%2fb", ExpectedResult = "a/b")]
    [TestCase("/v1/topics/a%252Fb", ExpectedResult = "a%2Fb")]
    [TestCase("/v1/topics/a+b", ExpectedResult = "a+b")]
    [TestCase("/v1/topics/a%20b", ExpectedResult = "a b")]
    [TestCase("/v1/topics/..", ExpectedResult = "..")]
    [TestCase("/v1/topics/orders?x=a/b", ExpectedResult = "orders")]
    [TestCase("/v1/topics/orders?", ExpectedResult = "orders")]
    [TestCase("/v1/topics/what%3Fnow?x", ExpectedResult = "what?now")]
    [TestCase("/v1/topics/", ExpectedResult = "")]
    [TestCase("/v1/topics/%41", ExpectedResult = "A")]
    [TestCase("/v1/topics/%00", ExpectedResult = "\0")]
    [TestCase("orders", ExpectedResult = "orders")]
    public string The_last_segment_of_the_target_is_the_name(string target)
    {
        var found = TopicName.TryFromTarget(target, out var name);

        Assert.That(found, Is.True);
        return name;
    }

    [TestCase("%")]
    [TestCase("a%")]
    [TestCase("%4")]
    [TestCase("a%4")]
    [TestCase("%zz")]
    [TestCase("%4g")]
    [TestCase("%g4")]
    [TestCase("%%41")]
    [TestCase("%4?1")]
    [TestCase("%-1")]
    [TestCase("% 1")]
    [TestCase("%u0041")]
    [TestCase("%FF")]
    [TestCase("%C3")]
    [TestCase("%C3a")]
    [TestCase("%A9")]
    [TestCase("%C0%AF")]
    [TestCase("%ED%A0%80")]
    [TestCase("%F4%90%80%80")]
    public void A_segment_that_is_not_percent_encoded_UTF_8_is_refused(string segment)
    {
        var found = TopicName.TryFromTarget("/v1/topics/" + segment, out var name);

        Assert.That((found, name), Is.EqualTo((false, "")));
    }

    [Test]
    public void A_name_has_at_least_one_character_and_no_control_characters()
    {
        for (var code = 0; code < 0xD800; code++)
        {
            var name = $"a{(char)code}b";
            var isControl = code is < 0x20 or (>= 0x7F and <= 0x9F);

            Assert.That(TopicName.Fault(name), Is.EqualTo(isControl ? "must not contain control characters" : null), $"U+{code:X4}");
        }

        Assert.That(TopicName.Fault("\0"), Is.EqualTo("must not contain control characters"));
        Assert.That(TopicName.Fault(""), Is.EqualTo("must not be empty"));
    }

    [TestCase("x")]
    [TestCase("é")]
    [TestCase("😀")]
    public void A_name_has_at_most_255_characters(string character)
    {
        string Name(int characters) => string.Concat(Enumerable.Repeat(character, characters));

        Assert.That(TopicName.Fault(Name(255)), Is.Null);
        Assert.That(TopicName.Fault(Name(256)), Is.EqualTo("must be at most 255 characters long"));
        Assert.That(
            TopicName.Fault(Name(256) + "\n"),
            Is.EqualTo("must be at most 255 characters long"),
            "the characters beyond the limit are not checked");
        Assert.That((TopicName.IsTooLong(Name(255)), TopicName.IsTooLong(Name(256))), Is.EqualTo((false, true)));
    }

    private static string EveryByte(string name, string format) =>
        string.Concat(Encoding.UTF8.GetBytes(name)
            .Select(value => "%" + value.ToString(format, System.Globalization.CultureInfo.InvariantCulture)));
}
