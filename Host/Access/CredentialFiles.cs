namespace PubSub.Hosting.Access;

/// <summary>The files of <c>KEYS_FILE</c> and <c>JWT_KEYS_FILE</c>, read at the start and whenever their content has changed.</summary>
internal sealed class CredentialFiles
{
    private readonly List<Watched> _files = [];

    /// <exception cref="SettingsException">A file cannot be used; the message names the setting.</exception>
    public CredentialFiles(Settings settings, ApiKeys keys, Tokens? tokens)
    {
        if (settings.KeysFile.Length > 0)
        {
            _files.Add(new("KEYS_FILE", settings.KeysFile, keys.Load, () => keys.Count));
        }

        if (tokens is not null)
        {
            _files.Add(new("JWT_KEYS_FILE", settings.JwtKeysFile, tokens.Load, () => tokens.Count));
        }

        string[] faults = [.. _files.Select(file => file.Read()).OfType<string>()];
        if (faults.Length > 0)
        {
            throw new SettingsException(string.Join(Environment.NewLine, faults));
        }
    }

    /// <summary>Reads the files again. What cannot be used changes nothing, and is logged once. Called by one at a time.</summary>
    public void Refresh(ILogger logger)
    {
        foreach (var file in _files)
        {
            var (content, before) = (file.Content, file.Fault);
            file.Fault = file.Read();
            if (file.Fault is { } fault && fault != before)
            {
                Log.CredentialsRefused(logger, fault);
            }
            else if (file.Fault is null && (content != file.Content || before is not null))
            {
                Log.CredentialsRead(logger, file.Setting, file.Count());
            }
        }
    }

    private sealed record Watched(string Setting, string Path, Action<byte[]> Load, Func<int> Count)
    {
        /// <summary>As it was last taken over.</summary>
        public byte[] Content { get; private set; } = [];

        /// <summary>Why its present content is not used; null if it is.</summary>
        public string? Fault { get; set; }

        /// <returns>What is wrong with the file; null when nothing is.</returns>
        public string? Read()
        {
            try
            {
                using var stream = File.OpenRead(Path);
                if (stream.Length > KeyFile.MaxBytes)
                {
                    return $"{Setting} {Path} must have at most {KeyFile.MaxBytes} bytes";
                }

                var content = new byte[stream.Length];
                stream.ReadExactly(content);
                if (content.Length == 0 || !content.AsSpan().SequenceEqual(Content))
                {
                    Load(content);
                    Content = content;
                }

                return null;
            }
            catch (Exception fault) when (fault is FormatException or IOException or UnauthorizedAccessException)
            {
                return $"{Setting} {Path} cannot be used: {fault.Message}";
            }
        }
    }
}

/// <summary>Reads the files of credentials once a second.</summary>
internal sealed class Reloading(CredentialFiles files, TimeProvider time, ILogger<Reloading> logger, Tokens? tokens = null)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _reading = new();
    private ITimer? _timer;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Read(), state: null, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _timer?.Dispose();

    private void Read()
    {
        if (_reading.TryEnter())
        {
            try
            {
                files.Refresh(logger);
                tokens?.Trim();
            }
            finally
            {
                _reading.Exit();
            }
        }
    }
}
