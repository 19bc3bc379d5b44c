using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace PubSub.Stress;

/// <summary>A server of protocol v1: the reference server built from source, another executable, or one that runs already.</summary>
internal sealed class PubSubContender : IContender
{
    public const string Help = """
          --url URL             a server that runs already, e.g. http://127.0.0.1:8080
          --pid PID             its process on this machine, for CPU and memory figures
          --server PATH         the executable or .dll to start instead (gets PORT=0)
          --aot                 publish Host as Native AOT (default: published Release, JIT)
        """;

    // A caller's environment must not change what is measured.
    private static readonly string[] Defaulted = ["MAX_QUEUE_SIZE", "MAX_QUEUE_BYTES", "MAX_MESSAGES", "LOG_LEVEL"];

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly Dictionary<string, FrameShape> _shapes = [];
    private readonly byte[] _payload;
    private readonly Endpoint _endpoint;
    private readonly HostBuild? _build;
    private readonly ServerProcess? _process;

    public PubSubContender(Arguments arguments, int payloadBytes)
    {
        _payload = Encoding.ASCII.GetBytes($"\"{new string('x', payloadBytes)}\"");
        var url = arguments.Text("--url");
        var pid = arguments.Text("--pid");
        var server = arguments.Text("--server");
        var aot = arguments.Flag("--aot");
        arguments.RejectUnread();
        if (url is not null)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != "http")
            {
                throw new UsageError($"--url {url}: expected http://HOST:PORT");
            }

            if (pid is not null)
            {
                Cost = int.TryParse(pid, out var id) ? new ProcessCost(id) : throw new UsageError($"--pid {pid}: expected a number");
            }

            _http.BaseAddress = uri;
            Version = url;
        }
        else
        {
            if (server is null)
            {
                _build = new HostBuild(aot);
                server = _build.Executable;
            }
            else if (!File.Exists(server))
            {
                throw new UsageError($"--server {server}: no such file");
            }

            try
            {
                _process = Start(Path.GetFullPath(server));
            }
            catch
            {
                _build?.Dispose();
                throw;
            }

            Cost = new ProcessCost(_process.Id);
            _http.BaseAddress = _process.Url;
            Version = Describe(server);
        }

        _endpoint = Endpoint.Of(_http.BaseAddress, "/v1/ws");
    }

    public string Name => "pubsub";

    public string Version { get; }

    public ProcessCost? Cost { get; }

    public void CreateTopic(string topic)
    {
        using var body = new StringContent($$"""{"name":"{{topic}}"}""", Encoding.UTF8, "application/json");
        Send(HttpMethod.Post, "/v1/topics", body, HttpStatusCode.Created);
    }

    public void DeleteTopic(string topic) =>
        Send(HttpMethod.Delete, $"/v1/topics/{topic}", null, HttpStatusCode.OK, HttpStatusCode.NoContent);

    /// <summary>The subscribers the server counts in a topic. Only this runs beside the loop's thread.</summary>
    public async Task<int> CountSubscribers(string topic)
    {
        try
        {
            using var answer = JsonDocument.Parse(await _http.GetByteArrayAsync(new Uri("/v1/topics", UriKind.Relative)));
            var topics = answer.RootElement.GetProperty("topics").EnumerateArray();
            return topics.First(t => t.GetProperty("name").GetString() == topic).GetProperty("subscribers").GetInt32();
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException
            or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new RunFailed($"GET /v1/topics: {e.Message}");
        }
    }

    public Connection Open(Loop loop) => Open(loop, receiveBuffer: 0);

    /// <summary>A connection with a kernel buffer of so many bytes for what it has not read; 0 leaves it to the kernel.</summary>
    public PubSubConnection Open(Loop loop, int receiveBuffer) => new(loop, _endpoint, _payload, _shapes, receiveBuffer);

    public void Dispose()
    {
        _process?.Dispose();
        _build?.Dispose();
        _http.Dispose();
    }

    private void Send(HttpMethod method, string path, HttpContent? body, params HttpStatusCode[] expected)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            using var answer = _http.Send(request);
            if (!expected.Contains(answer.StatusCode))
            {
                throw new RunFailed($"{method} {path}: {(int)answer.StatusCode}");
            }
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            throw new RunFailed($"{method} {path}: {e.Message}");
        }
    }

    private static ServerProcess Start(string server)
    {
        var isLibrary = Path.GetExtension(server) == ".dll";
        var start = new ProcessStartInfo(isLibrary ? "dotnet" : server) { WorkingDirectory = Path.GetDirectoryName(server) };
        if (isLibrary)
        {
            start.ArgumentList.Add(server);
        }

        foreach (var name in Defaulted)
        {
            start.Environment.Remove(name);
        }

        start.Environment["PORT"] = "0";
        return new ServerProcess(start, "Now listening on: ");
    }

    private static string Describe(string server)
    {
        var library = Path.GetExtension(server) == ".dll" ? server : server + ".dll";
        return File.Exists(library)
            ? $"{Path.GetFileName(server)} {FileVersionInfo.GetVersionInfo(library).ProductVersion} (JIT)"
            : $"{Path.GetFileName(server)} (native)";
    }
}
