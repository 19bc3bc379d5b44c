using NUnit.Framework;
using PubSub.Hosting;

namespace PubSub.PropertyTests.Startup;

public sealed class LogTests
{
    [TestCase("orders", "orders")]
    [TestCase("a b/\u00e9\U0001f680", "a b/\u00e9\U0001f680")]
    [TestCase("\u001b[31m", "\\u001b[31m")]
    [TestCase("a\r\nb\u007f", "a\\u000d\\u000ab\\u007f")]
    [TestCase("a\u2028\u202eb\u0085", "a\\u2028\\u202eb\\u0085")]
    public void Characters_that_control_a_terminal_are_escaped(string text, string logged) =>
        Assert.That($"{new Escaped(text)}", Is.EqualTo(logged));
}
