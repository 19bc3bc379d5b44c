using NUnit.Framework;
using PubSub.Conformance.Gallery;

namespace PubSub.Conformance.Tests;

/// <summary>New ids are appended to ids.lock automatically; every other change is left to a person.</summary>
[TestFixture]
public sealed class IdRegisterTests
{
    private const string Text = "# Ids.\nrequirement PS-TST-001\nserver tst-old retired\n";

    [Test]
    public void New_ids_are_appended_and_the_other_lines_stay()
    {
        var register = new IdRegister(Text);
        string[] used = ["requirement PS-TST-001", "requirement PS-TST-002", "server tst-new"];

        var missing = register.Missing(used);

        Assert.That(missing, Is.EqualTo(used[1..]));
        Assert.That(register.With(missing), Is.EqualTo($"{Text}requirement PS-TST-002\nserver tst-new\n"));
        Assert.That(new IdRegister(register.With(missing)).Missing(used), Is.Empty);
        Assert.That(register.Objections(used), Is.Empty);
    }

    [TestCase(Text, "requirement PS-TST-001", null)]
    [TestCase(Text, "server tst-new", "requirement PS-TST-001 is no longer in use")]
    [TestCase(Text, "requirement PS-TST-001;server tst-old", "server tst-old is retired")]
    [TestCase($"{Text}requirement PS-TST-001\n", "requirement PS-TST-001", "requirement PS-TST-001 stands there twice")]
    [TestCase($"{Text}server tst-old deleted\n", "requirement PS-TST-001;server tst-old", "'server tst-old deleted' is not")]
    public void A_change_that_needs_a_person_is_an_objection(string text, string used, string? objection)
    {
        var objections = new IdRegister(text).Objections(used.Split(';'));

        Assert.That(objections, objection is null ? Is.Empty : Has.Some.Contains(objection));
    }
}
