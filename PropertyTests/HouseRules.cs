using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using PubSub.Hosting;
using PubSub.PropertyTests.Tools;

namespace PubSub.PropertyTests;

public sealed partial class HouseRules
{
    private static readonly string[] SayNothing = ["Manager", "Helper", "Service", "Handler", "Util", "Processor"];

    [Test]
    public void The_broker_references_only_the_base_class_library()
    {
        var references = typeof(Broker).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name!).ToList();
        string[] foreign = ["System.Text.Json", "System.Net", "System.IO.Pipelines"];

        Assert.That(references, Is.Not.Empty);
        Assert.That(references, Has.All.StartsWith("System."));
        Assert.That(references.Where(name => foreign.Any(other => name.StartsWith(other, StringComparison.Ordinal))), Is.Empty);
        Assert.That(References("Broker/Broker.csproj"), Is.Empty);
        var project = XDocument.Parse(Repository.Read("Broker/Broker.csproj"));
        Assert.That(project.Root!.Attribute("Sdk")!.Value, Is.EqualTo("Microsoft.NET.Sdk"));
    }

    [TestCase("Host/Host.csproj", "Broker.csproj")]
    [TestCase("PropertyTests/PropertyTests.csproj", "Broker.csproj", "Host.csproj", "Conformance.Suite.csproj")]
    [TestCase("PropertyTests/Interleavings/Interleavings.csproj")]
    [TestCase("Stress/Stress.csproj", "Conformance.Suite.csproj")]
    [TestCase("Stress/NUnit/Stress.NUnit.csproj", "Stress.csproj", "Conformance.Gallery.csproj", "Host.csproj")]
    [TestCase("Stress/Benchmarks/Benchmarks.csproj", "Broker.csproj")]
    [TestCase("Conformance/Suite/Conformance.Suite.csproj")]
    [TestCase("Conformance/Gallery/Conformance.Gallery.csproj", "Conformance.Suite.csproj")]
    [TestCase("Conformance/Cli/Conformance.Cli.csproj", "Conformance.Suite.csproj", "Conformance.Gallery.csproj")]
    [TestCase(
        "Conformance/NUnit/Conformance.NUnit.csproj",
        "Conformance.Suite.csproj",
        "Conformance.Cli.csproj",
        "Conformance.Gallery.csproj",
        "Host.csproj")]
    public void A_project_references_no_other_than_these(string project, params string[] others)
    {
        var projects = References(project)
            .Where(reference => reference.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(reference => reference.Split('/', '\\')[^1]);

        Assert.That(projects, Is.SubsetOf(others));
    }

    /// <summary>
    /// The rooms of each project, which are its folders, and which others each may use. All may use the root of their project.
    /// </summary>
    [TestCase("Host", "PubSub.Hosting", "WebSocket")]
    [TestCase("Host", "PubSub.Hosting", "Metrics")]
    [TestCase("Host", "PubSub.Hosting", "Transport", "Metrics")]
    [TestCase("Host", "PubSub.Hosting", "Protocol", "WebSocket", "Metrics")]
    [TestCase("Host", "PubSub.Hosting", "Connections", "Protocol")]
    [TestCase("Host", "PubSub.Hosting", "Access", "Protocol")]
    [TestCase("Host", "PubSub.Hosting", "Description", "Protocol")]
    [TestCase("Host", "PubSub.Hosting", "Engine", "Protocol")]
    [TestCase("Host", "PubSub.Hosting", "Redis", "Engine", "Protocol")]
    [TestCase(
        "Host", "PubSub.Hosting", "Sockets",
        "Access", "Description", "Engine", "Protocol", "WebSocket", "Transport", "Connections", "Metrics")]
    [TestCase("Host", "PubSub.Hosting", "Rest", "Access", "Description", "Engine", "Protocol", "Connections", "Sockets")]
    [TestCase("Host", "PubSub.Hosting", "Messages", "Access", "Description", "Engine", "Protocol", "WebSocket", "Rest", "Metrics")]
    [TestCase(
        "Host", "PubSub.Hosting", "Streams",
        "Access", "Description", "Engine", "Protocol", "WebSocket", "Sockets", "Transport", "Metrics")]
    [TestCase("Host", "PubSub.Hosting", "Operations", "Access", "Description", "Engine", "Protocol", "Sockets")]
    [TestCase("Stress", "PubSub.Stress", "Net")]
    [TestCase("Stress", "PubSub.Stress", "Measure")]
    [TestCase("Stress", "PubSub.Stress", "Protocols", "Net", "Measure")]
    [TestCase("Stress", "PubSub.Stress", "Results", "Measure")]
    [TestCase("Stress", "PubSub.Stress", "Contenders", "Net", "Measure", "Protocols", "Results")]
    [TestCase("Stress", "PubSub.Stress", "Loads", "Net", "Measure", "Protocols", "Results", "Contenders")]
    [TestCase("Stress", "PubSub.Stress", "Verbs", "Measure", "Protocols", "Results", "Contenders", "Loads")]
    [TestCase("Stress", "PubSub.Stress", "Scenarios", "Net", "Measure", "Protocols", "Results", "Contenders", "Loads", "Verbs")]
    [TestCase("Stress", "PubSub.Stress", "Bars", "Measure", "Results", "Contenders", "Loads", "Verbs", "Scenarios")]
    [TestCase("Stress", "PubSub.Stress", "Reports", "Measure", "Results", "Scenarios")]
    [TestCase("Stress", "PubSub.Stress", "CommandLine", "Results", "Verbs", "Scenarios", "Bars", "Reports")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Models", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Concurrency", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "BrokerParts", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "WebSocket", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Transport", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Protocol", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Connections", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Sockets", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Redis", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Rest", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Messages", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Streams", "Sockets", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Access", "Streams", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Description", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Operations", "Access", "Nodes", "Sockets", "Streams", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Startup", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Metrics", "Streams", "Wire", "Tools")]
    [TestCase("PropertyTests", "PubSub.PropertyTests", "Nodes", "Models", "Streams", "Wire", "Tools")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Requirements")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Targets", "Requirements")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Network", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Protocol", "Network", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "TestTopics", "Protocol", "Network", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Launching", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Fixture", "TestTopics", "Launching", "Protocol", "Network", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Scenarios", "Fixture", "Launching", "Protocol", "Network", "Targets")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Histories")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Verdicts", "Network", "Targets", "Requirements")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Probing", "Verdicts", "TestTopics", "Protocol", "Network", "Targets")]
    [TestCase(
        "Conformance/Suite", "PubSub.Conformance", "Running",
        "Probing", "Verdicts", "Fixture", "Launching", "TestTopics", "Protocol", "Network", "Targets", "Requirements")]
    [TestCase("Conformance/Suite", "PubSub.Conformance", "Reports", "Verdicts", "Requirements")]
    public void A_room_uses_no_other_than_these(string project, string root, string room, params string[] others)
    {
        var files = Repository.CSharp($"{project}/{room}").ToDictionary(file => file, Repository.Read);

        Assert.That(ForbiddenUses(files, root, room, others, Rooms(project)), Is.Empty);
    }

    [TestCase("Host")]
    [TestCase("Stress")]
    [TestCase("PropertyTests")]
    [TestCase("Conformance/Suite")]
    public void Every_folder_of_a_project_is_a_room_with_walls(string project)
    {
        var walled = typeof(HouseRules).GetMethod(nameof(A_room_uses_no_other_than_these))!
            .GetCustomAttributes<TestCaseAttribute>()
            .Where(room => (string)room.Arguments[0]! == project)
            .Select(room => (string)room.Arguments[2]!);

        Assert.That(Rooms(project), Is.EquivalentTo(walled));
    }

    [TestCase("namespace PubSub.Hosting.Room;", ExpectedResult = 0)]
    [TestCase("using PubSub.Hosting.Next;\n\nnamespace PubSub.Hosting.Room;", ExpectedResult = 0)]
    [TestCase("using PubSub.Hosting.Far;\n\nnamespace PubSub.Hosting.Room;", ExpectedResult = 1)]
    [TestCase("using static PubSub.Hosting.Far.Type;\n\nnamespace PubSub.Hosting.Room;", ExpectedResult = 1)]
    [TestCase("using Type = PubSub.Hosting.Far.Type;\n\nnamespace PubSub.Hosting.Room;", ExpectedResult = 1)]
    [TestCase("namespace PubSub.Hosting.Room;\n\nPubSub.Hosting.Far.Type type;", ExpectedResult = 1)]
    [TestCase("namespace PubSub.Hosting.Room;\n\nvar type = new Far.Type();", ExpectedResult = 1)]
    [TestCase("namespace PubSub.Hosting.Room;\n\nint[] Far => [];\nint Count => Far.Length;", ExpectedResult = 0)]
    [TestCase("namespace PubSub.Hosting.Elsewhere;", ExpectedResult = 1)]
    public int A_forbidden_use_is_found(string source) =>
        ForbiddenUses(new() { ["Host/Room/File.cs"] = source }, "PubSub.Hosting", "Room", ["Next"], ["Room", "Next", "Far"]).Count;

    /// <summary>As .editorconfig has it, which no tool enforces.</summary>
    [Test]
    public void No_line_of_code_is_wider_than_140_columns() => Assert.That(
        Repository.AllSources()
            .Where(file => Path.GetExtension(file) == ".cs" || file.EndsWith("console.html", StringComparison.Ordinal))
            .SelectMany(file => WideLines(file, Repository.Read(file))),
        Is.Empty);

    [TestCase(140, ExpectedResult = 0)]
    [TestCase(141, ExpectedResult = 1)]
    public int A_wide_line_is_found(int columns) => WideLines("File.cs", $"a\n{new string('b', columns)}\nc").Count();

    [Test]
    public void The_suite_knows_no_test_framework_and_none_of_our_code()
    {
        Assert.That(References("Conformance/Suite/Conformance.Suite.csproj"), Is.Empty);
        Assert.That(
            Repository.CSharp("Conformance/Suite").Where(file => UsingOfOurs().IsMatch(Repository.Read(file))),
            Is.Empty);
    }

    [Test]
    public void The_broker_awaits_nothing() =>
        Assert.That(Repository.CSharp("Broker").Where(file => Word("await").IsMatch(Repository.Read(file))), Is.Empty);

    /// <summary>A change that no test notices is known by the text of its line.</summary>
    [Test]
    public void Every_surviving_change_has_a_reason_and_its_line_still_exists()
    {
        using var survivors = JsonDocument.Parse(Repository.Read("ci/stryker/survivors.json"));
        var entries = survivors.RootElement.EnumerateObject().SelectMany(part => part.Value.EnumerateArray()).ToList();

        Assert.That(entries, Is.Not.Empty);
        Assert.That(entries.Where(entry => entry.GetProperty("reason").GetString()!.Length < 20), Is.Empty);
        Assert.That(
            entries.Where(entry => !Space().Replace(Repository.Read(entry.GetProperty("file").GetString()!), " ")
                .Contains(entry.GetProperty("line").GetString()!, StringComparison.Ordinal)),
            Is.Empty);
    }

    [TestCase("Task.Run")]
    [TestCase("DateTime.Now")]
    [TestCase("DateTime.UtcNow")]
    [TestCase("DateTimeOffset")]
    [TestCase("TimeProvider")]
    [TestCase("ILogger")]
    [TestCase("Thread.Sleep")]
    [TestCase("Task.Delay")]
    [TestCase("Console")]
    public void The_broker_has_no_tasks_clock_or_log_of_its_own(string name) =>
        Assert.That(Repository.CSharp("Broker").Where(file => Word(name).IsMatch(Repository.Read(file))), Is.Empty);

    [TestCase("await")]
    [TestCase("async")]
    [TestCase("Task")]
    [TestCase("ValueTask")]
    public void Nothing_in_a_topic_waits(string word) => Assert.That(Repository.Read("Broker/Topic.cs"), Does.Not.Match(Word(word)));

    [Test]
    public void Names_of_types_and_files_say_something()
    {
        var types = new[] { typeof(Broker), typeof(Settings) }.SelectMany(type => type.Assembly.GetTypes()).Select(type => type.Name);
        var files = Repository.CSharp("Broker").Concat(Repository.CSharp("Host")).Select(file => file.Split('/')[^1]);

        Assert.That(
            types.Concat(files).Where(name => name[0] != '<' && SayNothing.Any(word => name.Contains(word, StringComparison.Ordinal))),
            Is.Empty);
    }

    [Test]
    public void Ids_of_log_lines_are_unique_and_without_a_gap()
    {
        const BindingFlags everything =
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

        var ids = typeof(Settings).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(everything))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(line => line.EventId)
            .Order()
            .ToList();

        Assert.That(ids, Is.Not.Empty);
        Assert.That(ids, Is.EqualTo(Enumerable.Range(1, ids.Count)));
    }

    [Test]
    public void Every_setting_is_in_the_README_with_its_default()
    {
        var declared = SettingLine().Matches(Repository.Read("Host/Settings.cs"))
            .ToDictionary(match => match.Groups["name"].Value, match => Plain(match.Groups["default"].Value));
        var documented = SettingRow().Matches(Repository.Read("README.md"))
            .ToDictionary(match => match.Groups["name"].Value, match => Plain(match.Groups["default"].Value));

        Assert.That(declared, Has.Count.GreaterThan(10));
        Assert.That(documented, Is.EquivalentTo(declared));
    }

    [Test]
    public void Every_path_in_the_map_of_the_README_exists()
    {
        var section = Repository.Read("README.md").Split("## Where do I change X?")[1].Split("\n## ")[0];
        var paths = CodeSpan().Matches(section).Select(match => match.Groups[1].Value)
            .Where(span => span.Contains('/', StringComparison.Ordinal) || Path.GetExtension(span) is ".cs" or ".md")
            .ToList();

        Assert.That(paths, Has.Count.GreaterThan(5));
        Assert.That(paths.Where(path => !Path.Exists(Repository.PathOf(path))), Is.Empty);
    }

    [Test]
    public void Every_package_has_an_exact_version_and_a_sentence_that_earns_it()
    {
        var lines = Repository.Read("Directory.Packages.props").Split('\n').Select(line => line.Trim()).ToList();
        var packages = lines.Index().Where(line => line.Item.StartsWith("<PackageVersion ", StringComparison.Ordinal)).ToList();

        Assert.That(packages, Is.Not.Empty);
        Assert.That(packages.Where(package => !Regex.IsMatch(package.Item, """ Version="\d+\.\d+\.\d+(-[\w.]+)?" ?/>""")), Is.Empty);
        Assert.That(packages.Where(package => !Regex.IsMatch(lines[package.Index - 1], @"-->$")), Is.Empty);
        Assert.That(
            Repository.AllSources()
                .Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))
                .Where(file => Repository.Read(file).Contains(" Version=\"", StringComparison.Ordinal)),
            Is.Empty,
            "versions are central");
    }

    [Test]
    public void No_source_names_a_folder_of_the_machine_it_was_written_on()
    {
        string[] folders = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/"];

        var sources = Repository.AllSources();

        Assert.That(sources, Has.Count.GreaterThan(30));
        Assert.That(
            sources.Where(file => folders.Any(folder => Repository.Read(file).Contains(folder, StringComparison.Ordinal))),
            Is.Empty);
    }

    private static List<string> References(string project) =>
    [
        .. XDocument.Parse(Repository.Read(project)).Descendants()
            .Where(element => element.Name.LocalName is "ProjectReference" or "PackageReference" or "FrameworkReference" or "Reference")
            .Select(element => element.Attribute("Include")?.Value ?? "")
    ];

    private static Regex Word(string word) => new($@"(?<![\w.]){Regex.Escape(word)}(?!\w)");

    /// <summary>A default as a human would write it: a product multiplied out, without quotes and separators.</summary>
    private static string Plain(string value)
    {
        var text = value.Replace("_", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal).Trim(' ', '"', '`');
        var factors = text.Split('*', StringSplitOptions.TrimEntries);
        return factors.Length > 1
            ? factors
                .Aggregate(1, (product, factor) => product * int.Parse(factor, CultureInfo.InvariantCulture))
                .ToString(CultureInfo.InvariantCulture)
            : text;
    }

    /// <summary>The folders right under a project's own that have C# files of that project.</summary>
    private static string[] Rooms(string project) =>
    [
        .. Repository.CSharp(project)
            .Select(file => file[(project.Length + 1)..])
            .Where(file => file.Contains('/', StringComparison.Ordinal))
            .Select(file => file.Split('/')[0])
            .Distinct()
            .Except(OtherProjects(project)),
    ];

    private static IEnumerable<string> OtherProjects(string project) =>
        Directory.EnumerateDirectories(Repository.PathOf(project))
            .Where(folder => Directory.EnumerateFiles(folder, "*.csproj").Any())
            .Select(Path.GetFileName)
            .OfType<string>();

    private static List<string> ForbiddenUses(
        Dictionary<string, string> files, string root, string room, string[] others, string[] rooms)
    {
        string[] forbidden = [.. rooms.Where(other => other != room && !others.Contains(other))];
        var home = new Regex($@"^namespace {Regex.Escape(root)}\.{room};\r?$", RegexOptions.Multiline);
        return
        [
            .. files.Where(file => !home.IsMatch(file.Value)).Select(file => $"{file.Key}: its namespace is not {root}.{room}"),
            .. files.SelectMany(file => Uses(Code(file.Value)).Select(line => $"{file.Key}: {line.Trim()}")),
        ];

        IEnumerable<string> Uses(List<string> code)
        {
            var uses = forbidden.Select(other => Use(other, code)).ToList();
            return code.Where(line => uses.Exists(use => use.IsMatch(line)));
        }

        // Where a member has the name of a room, the name alone means the member.
        Regex Use(string other, List<string> code) => new(
            $@"{Regex.Escape(root)}\.{other}\b"
            + (code.Exists(new Regex($@"[\w>\])?] {other}(?: [{{=]|[,;)])").IsMatch) ? "" : $@"|(?<![\w.""/]){other}\.[A-Z]"));
    }

    /// <summary>The lines that are no comments.</summary>
    private static List<string> Code(string source) =>
        [.. source.Split('\n').Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))];

    private static IEnumerable<string> WideLines(string file, string text) =>
        text.Split('\n').Select(line => line.TrimEnd('\r')).Index()
            .Where(line => line.Item.Length > 140)
            .Select(line => $"{file}:{line.Index + 1}: {line.Item.Length} columns");

    [GeneratedRegex(@"\busing\s+(NUnit|PubSub\.Hosting|PubSub;)")]
    private static partial Regex UsingOfOurs();

    [GeneratedRegex(
        """= (?:Integer|Memory|Seconds|Choice|List<\w+>|Address|Name)\("(?<name>[A-Z_]+)", (?<default>[^,)]*)"""
        + """|= (?:Secret|Text)\("(?<name>[A-Z_]+)"(?<default>)""")]
    private static partial Regex SettingLine();

    [GeneratedRegex(@"^\| `(?<name>[A-Z_]+)` \|(?<default>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex SettingRow();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}
