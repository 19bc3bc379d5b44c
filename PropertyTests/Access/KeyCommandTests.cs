using NUnit.Framework;
using PubSub.Hosting.Access;

namespace PubSub.PropertyTests.Access;

/// <summary>The command line that looks after a file of keys.</summary>
[NonParallelizable]
public sealed class KeyCommandTests
{
    private string _folder = "";

    private string Path => System.IO.Path.Combine(_folder, "keys.json");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory().FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_new_key_is_printed_once_and_its_hash_is_in_the_file()
    {
        var (status, printed, error) = Run(
            "new", "--name", "shop", "--publish", "orders*", "--publish", "stock", "--subscribe", "*", "--connections", "3");
        var key = printed.TrimEnd();
        Run("new", "--manage", "a");

        var keys = new ApiKeys();
        keys.Load(File.ReadAllBytes(Path));
        var identity = keys.Find(key)!;
        Assert.That((status, error), Is.EqualTo((0, $"added to {Path}{Environment.NewLine}")));
        Assert.That((identity.Name, identity.Grant.Connections, keys.Count), Is.EqualTo(("shop", 3, 2)));
        Assert.That(
            (identity.Grant.Publish.Has("orders1"), identity.Grant.Publish.Has("stock"), identity.Grant.Publish.Has("stock1")),
            Is.EqualTo((true, true, false)));
        Assert.That((identity.Grant.Subscribe.IsAll, identity.Grant.Manage.Has("a")), Is.EqualTo((true, false)));
        Assert.That(File.ReadAllText(Path), Does.Not.Contain(key[13..]));
        Assert.That(Run("list").Printed, Does.StartWith($"{key.Substring(4, 8)} shop: publish [orders* stock] subscribe [*] manage []"));
    }

    [Test]
    public void A_key_can_be_removed()
    {
        var key = Run("new").Printed;

        Assert.That(Run("remove", "00000000"), Is.EqualTo((1, "", $"there is no key with this id{Environment.NewLine}")));
        Assert.That(Run("remove", key.Substring(4, 8)), Is.EqualTo((0, "", "")));
        Assert.That(Run("list"), Is.EqualTo((0, "", "")));
    }

    [TestCase("the key must have a publish that is a list of topic names", "new", "--publish", "")]
    [TestCase("the key must have a connections of at least 1", "new", "--connections", "0")]
    [TestCase("the key must have a name of 1 to 64", "new", "--name", "a b")]
    [TestCase("Cannot parse argument 'x'", "new", "--connections", "x")]
    [TestCase("Unrecognized command or argument 'old'", "old")]
    public void A_command_that_cannot_be_carried_out_says_why_and_writes_nothing(string why, params string[] args)
    {
        var (status, _, error) = Run(args);

        Assert.That((status, File.Exists(Path)), Is.EqualTo((1, false)));
        Assert.That(error, Does.Contain(why));
    }

    [Test]
    public void Only_its_owner_may_read_a_new_file_and_a_mode_that_was_set_stays()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // files have no mode there
        }

        Run("new");
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Run("new");

        Assert.That(
            File.GetUnixFileMode(Path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead));
    }

    [Test]
    public void A_file_that_is_none_stays_as_it_is()
    {
        File.WriteAllText(Path, "{}");

        Assert.That(Run("new").Status, Is.EqualTo(1));
        Assert.That(File.ReadAllText(Path), Is.EqualTo("{}"));
    }

    private (int Status, string Printed, string Error) Run(params string[] args)
    {
        var (before, beforeError) = (Console.Out, Console.Error);
        var (printed, error) = (new StringWriter(), new StringWriter());
        Console.SetOut(printed);
        Console.SetError(error);
        try
        {
            return (KeyCommand.RunAsync(["key", .. args, "--KEYS_FILE", Path]).GetAwaiter().GetResult(), $"{printed}", $"{error}");
        }
        finally
        {
            Console.SetOut(before);
            Console.SetError(beforeError);
        }
    }
}
