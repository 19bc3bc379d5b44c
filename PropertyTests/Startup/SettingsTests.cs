using System.Globalization;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using PubSub.Hosting;
using PubSub.Hosting.Connections;
using static PubSub.PropertyTests.Tools.TestSettings;

namespace PubSub.PropertyTests.Startup;

public sealed class SettingsTests
{
    private static readonly Bounds[] Integers =
    [
        new("PORT", 8080, "0", "65535", "65536", settings => settings.Port),
        new("MAX_QUEUE_SIZE", 100, "1", "1000000", "1000001", settings => settings.MaxQueueSize),
        new("MAX_QUEUE_BYTES", 1_048_576, "1024", "2147483647", "2147483648", settings => settings.MaxQueueBytes),
        new("MAX_MESSAGES", 100, "1", "1000000", "1000001", settings => settings.MaxMessages),
        new("MAX_MESSAGE_BYTES", 65_536, "1024", "16777216", "16777217", settings => settings.MaxMessageBytes),
        new("MAX_TOPICS", 100_000, "1", "100000000", "100000001", settings => settings.MaxTopics),
        new("MAX_CONNECTIONS", 20_000, "1", "10000000", "10000001", settings => settings.MaxConnections),
        new("MAX_SUBSCRIPTIONS", 1_000, "1", "1000000", "1000001", settings => settings.MaxSubscriptions),
    ];

    private static readonly Bounds[] Times =
    [
        new("WRITE_TIMEOUT", 10, "0.1", "3600", "3600.1", settings => settings.WriteTimeout),
        new("CLOSE_TIMEOUT", 5, "0.1", "3600", "3600.1", settings => settings.CloseTimeout),
        new("DRAIN_TIMEOUT", 5, "0.1", "3600", "3600.1", settings => settings.DrainTimeout),
        new("KEEPALIVE_INTERVAL", 30, "0", "86400", "86400.1", settings => settings.KeepAliveInterval),
        new("KEEPALIVE_TIMEOUT", 10, "0.1", "86400", "86400.1", settings => settings.KeepAliveTimeout),
        new("HANDSHAKE_TIMEOUT", 10, "0.1", "3600", "3600.1", settings => settings.HandshakeTimeout),
    ];

    private static IEnumerable<Bounds> Numbers => Integers.Concat(Times);

    [Test]
    public void Defaults_are_as_documented()
    {
        var settings = Read();

        Assert.That(Numbers.Select(number => number.Of(settings)), Is.EqualTo(Numbers.Select(number => number.Default)));
        Assert.That((settings.Bind, $"{settings.AllowedOrigins}", $"{settings.AllowedHosts}"), Is.EqualTo(("localhost", "", "")));
        Assert.That((settings.TopicDeletion, settings.DisconnectOnDeletion), Is.EqualTo(("disconnect", true)));
        Assert.That((settings.LogLevel, settings.LogFormat), Is.EqualTo(("info", "text")));
    }

    [Test]
    public void An_empty_variable_means_the_default()
    {
        string[] names = [.. Numbers.Select(number => number.Name), "BIND", "TOPIC_DELETION", "ALLOWED_ORIGINS", "LOG_LEVEL", "LOG_FORMAT"];

        var settings = Read([.. names.Select(name => (name, ""))]);

        Assert.That(Numbers.Select(number => number.Of(settings)), Is.EqualTo(Numbers.Select(number => number.Default)));
        Assert.That((settings.Bind, settings.TopicDeletion, settings.LogLevel), Is.EqualTo(("localhost", "disconnect", "info")));
    }

    [TestCaseSource(nameof(Numbers))]
    public void A_number_may_be_the_least_or_the_most_but_not_beyond(Bounds number)
    {
        var below = number.Least switch { "1024" => "1023", "0.1" => "0.09", "1" => "0", _ => "-1" };

        foreach (var legal in new[] { number.Least, number.Most })
        {
            Assert.That(number.Of(Read((number.Name, legal))), Is.EqualTo(double.Parse(legal, CultureInfo.InvariantCulture)));
        }

        foreach (var beyond in new[] { below, number.Beyond })
        {
            Assert.That(
                Refused((number.Name, beyond)),
                Does.Match(
                    $"^{number.Name} must be a (whole number|number of seconds) from {number.Least} to {number.Most}, but is '{beyond}'$"));
        }
    }

    [Test]
    public void A_whole_number_is_digits_and_nothing_else(
        [Values("abc", "1e3", "1,000", "1_000", " 5", "5 ", "+5", "-5", "0x10", "5.0", "٥", " ")] string value)
    {
        foreach (var number in Integers)
        {
            Assert.That(
                Refused((number.Name, value)),
                Does.StartWith($"{number.Name} must be a whole number from ").And.EndsWith($"but is '{value}'"));
        }
    }

    [Test]
    public void A_time_is_digits_and_a_point_and_nothing_else(
        [Values("abc", "NaN", "Infinity", "-1", "+1", "1e1", "1,5", " 5", "5s", "00:00:05")] string value)
    {
        foreach (var time in Times)
        {
            Assert.That(
                Refused((time.Name, value)),
                Does.StartWith($"{time.Name} must be a number of seconds from ").And.EndsWith($"but is '{value}'"));
        }
    }

    [Test]
    public void A_time_may_have_a_fraction()
    {
        var settings = Read([.. Times.Select(time => (time.Name, "2.75"))]);

        Assert.That(Times.Select(time => time.Of(settings)), Is.All.EqualTo(2.75));
    }

    [TestCase("TOPIC_DELETION", "disconnect", "unsubscribe")]
    [TestCase("LOG_LEVEL", "debug", "info", "warn", "error")]
    [TestCase("LOG_FORMAT", "text", "json")]
    [TestCase("METRICS", "off", "on")]
    public void A_choice_is_one_of_the_words_and_nothing_else(string name, params string[] words)
    {
        Func<Settings, string> chosen = name switch
        {
            "TOPIC_DELETION" => settings => settings.TopicDeletion,
            "LOG_LEVEL" => settings => settings.LogLevel,
            "METRICS" => settings => settings.Metrics,
            _ => settings => settings.LogFormat,
        };

        Assert.That(words.Select(word => chosen(Read((name, word)))), Is.EqualTo(words));
        foreach (var other in words.Select(word => word.ToUpperInvariant()).Append("x").Append(words[0] + " "))
        {
            var message = Refused((name, other));
            Assert.That(message, Does.StartWith($"{name} must be ").And.EndsWith($"but is '{other}'"));
            Assert.That(words, Has.All.Matches<string>(word => message.Contains(word!, StringComparison.Ordinal)));
        }
    }

    [TestCase("LOG_LEVEL", "debug, warn, error or info")]
    [TestCase("LOG_FORMAT", "json or text")]
    [TestCase("TOPIC_DELETION", "unsubscribe or disconnect")]
    public void The_refusal_of_a_choice_lists_the_choices(string name, string choices) =>
        Assert.That(Refused((name, "?")), Is.EqualTo($"{name} must be {choices}, but is '?'"));

    [TestCase("localhost")]
    [TestCase("*")]
    [TestCase("0.0.0.0")]
    [TestCase("127.0.0.1")]
    [TestCase("::1")]
    [TestCase("::")]
    public void An_address_is_an_IP_address_or_localhost_or_all(string value) => Assert.That(Read(("BIND", value)).Bind, Is.EqualTo(value));

    [Test]
    public void An_address_is_nothing_else(
        [Values(
            "example.com", "LOCALHOST", "256.0.0.1", "**", "http://localhost", " ", "8080", "1", "127.1", "0x7f.0.0.1", "::1%nosuch",
            "fe80::1")] string value) =>
        Assert.That(
            Refused(("BIND", value)),
            Is.EqualTo($"BIND must be an IP address (a link-local one with its zone), localhost or *, but is '{value}'"));

    [Test]
    public void Every_illegal_setting_is_reported_on_its_own_line()
    {
        var message = Refused(
            ("PORT", "abc"),
            ("MAX_MESSAGES", "0"),
            ("WRITE_TIMEOUT", "never"),
            ("LOG_LEVEL", "trace"),
            ("BIND", "nowhere"),
            ("MAX_TOPICS", "7"));

        Assert.That(
            message.Split(Environment.NewLine).Select(line => line.Split(' ')[0]),
            Is.EquivalentTo(new[] { "PORT", "MAX_MESSAGES", "WRITE_TIMEOUT", "LOG_LEVEL", "BIND" }));
    }

    [Test]
    public void Deleting_a_topic_may_keep_its_subscribers_connected()
    {
        var settings = Read(("TOPIC_DELETION", "unsubscribe"));

        Assert.That((settings.TopicDeletion, settings.DisconnectOnDeletion), Is.EqualTo(("unsubscribe", false)));
    }

    [Test]
    public void Allowed_origins_are_origins()
    {
        Assert.That($"{Read(("ALLOWED_ORIGINS", "http://a, https://b:8443/")).AllowedOrigins}", Is.EqualTo("http://a:80, https://b:8443"));
        Assert.That(
            Refused(("ALLOWED_ORIGINS", "app.example")),
            Is.EqualTo("ALLOWED_ORIGINS must be origins such as https://app.example, separated by commas, or *, but is 'app.example'"));
    }

    [TestCase("http://localhost:4318")]
    [TestCase("https://collector.example/otlp")]
    public void A_collector_is_a_URL(string url)
    {
        Assert.That((Read(("OTLP_ENDPOINT", url)).Measures, Read(("OTLP_ENDPOINT", url)).Traces), Is.EqualTo((true, true)));
        Assert.That((Read().Measures, Read(("METRICS", "on")).Measures, Read(("METRICS", "on")).Traces), Is.EqualTo((false, true, false)));
    }

    [TestCase("https://user:se-cr-et@collector.example")]
    [TestCase("collector.example:4318/se-cr-et")]
    [TestCase("ftp://collector.example/se-cr-et")]
    [TestCase("/se-cr-et")]
    public void A_collector_that_is_no_URL_or_has_a_password_is_refused_and_not_shown(string url) => Assert.That(
        Refused(("OTLP_ENDPOINT", url)),
        Is.EqualTo("OTLP_ENDPOINT must be an http or https URL without a user and a password; its value is not shown"));

    [Test]
    public void Every_setting_is_named_with_its_rule_and_default()
    {
        Assert.That(Settings.All.Select(setting => setting.Name), Is.SupersetOf(Numbers.Select(number => number.Name)).And.Unique);
        Assert.That(
            Settings.All.Single(setting => setting.Name == "PORT"),
            Is.EqualTo(new Setting("PORT", "a whole number from 0 to 65535", "8080")));
    }

    [Test]
    public void The_broker_gets_its_bounds()
    {
        var settings = Read(
            ("MAX_QUEUE_SIZE", "2"),
            ("MAX_MESSAGES", "3"),
            ("MAX_QUEUE_BYTES", "4000"),
            ("MAX_TOPICS", "5"),
            ("MAX_SUBSCRIPTIONS", "6"),
            ("MAX_RETAINED_BYTES", "7"),
            ("MAX_OUTSTANDING_BYTES", "8"));

        Assert.That(
            settings.BrokerLimits,
            Is.EqualTo(new BrokerLimits(2, 3, 4000, 5, 6) { MaxRetainedBytes = 7, MaxOutstandingBytes = 8 }));
        Assert.That(
            Read().BrokerLimits,
            Is.EqualTo(new BrokerLimits { MaxRetainedBytes = Capacity.Memory / 4, MaxOutstandingBytes = Capacity.Memory / 4 }));
    }

    [TestCase("debug", ExpectedResult = LogLevel.Debug)]
    [TestCase("info", ExpectedResult = LogLevel.Information)]
    [TestCase("warn", ExpectedResult = LogLevel.Warning)]
    [TestCase("error", ExpectedResult = LogLevel.Error)]
    public LogLevel A_log_level_is_that_of_the_framework(string level) => Read(("LOG_LEVEL", level)).MinimumLogLevel;

    [TestCase("", "", "", "", 0.25)]
    [TestCase("0.4", "", "", "", 0.1)]
    [TestCase("", "0.4", "", "", 0.1)]
    [TestCase("", "", "0.4", "", 0.1)]
    [TestCase("", "", "", "0.4", 0.1)]
    [TestCase("", "", "0", "0.4", 0.25)]
    [TestCase("0.8", "0.6", "0.4", "0.2", 0.05)]
    [TestCase("0.2", "0.6", "0.4", "0.8", 0.05)]
    [TestCase("0.1", "", "", "", 0.025)]
    [TestCase("", "", "0.04", "", 0.02)]
    [TestCase("1", "", "", "", 0.25)]
    [TestCase("0.96", "", "", "", 0.24)]
    [TestCase("4", "4", "0", "", 0.25)]
    public void The_sweep_interval_is_a_quarter_of_the_shortest_timeout_within_bounds(
        string write, string close, string interval, string timeout, double seconds)
    {
        var settings = Read(
            ("WRITE_TIMEOUT", write),
            ("CLOSE_TIMEOUT", close),
            ("KEEPALIVE_INTERVAL", interval),
            ("KEEPALIVE_TIMEOUT", timeout));

        Assert.That(settings.SweepInterval.TotalSeconds, Is.EqualTo(seconds).Within(1e-6));
    }

    [Test]
    public void The_culture_makes_no_difference()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NumberGroupSeparator = ".";
        var (before, expected) = (CultureInfo.CurrentCulture, Refused(("WRITE_TIMEOUT", "1,5"), ("PORT", "8.080")));
        CultureInfo.CurrentCulture = culture;
        try
        {
            Assert.That(Read(("WRITE_TIMEOUT", "1.5")).WriteTimeout, Is.EqualTo(1.5));
            Assert.That(Refused(("WRITE_TIMEOUT", "1,5"), ("PORT", "8.080")), Is.EqualTo(expected).And.Contains("from 0.1 to 3600"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static string Refused(params (string Name, string Value)[] variables) =>
        Assert.Throws<SettingsException>(() => Read(variables))!.Message;

    /// <summary>A setting that is a number, and its bounds.</summary>
    public sealed class Bounds
    {
        private readonly Func<Settings, double> _value;

        internal Bounds(string name, double otherwise, string least, string most, string beyond, Func<Settings, double> value) =>
            (Name, Default, Least, Most, Beyond, _value) = (name, otherwise, least, most, beyond, value);

        public string Name { get; }

        public double Default { get; }

        public string Least { get; }

        public string Most { get; }

        public string Beyond { get; }

        internal double Of(Settings settings) => _value(settings);

        public override string ToString() => Name;
    }
}
