namespace PubSub.Stress.Contenders;

/// <summary>A temporary folder, deleted when this object is disposed of or the process exits.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder;

    public TempFolder(string prefix)
    {
        _folder = Directory.CreateTempSubdirectory(prefix);
        AppDomain.CurrentDomain.ProcessExit += Delete;
    }

    public DirectoryInfo Info => _folder;

    public string PathOf(string file) => Path.Combine(_folder.FullName, file);

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Delete;
        Delete(null, EventArgs.Empty);
    }

    private void Delete(object? sender, EventArgs e)
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A process still writes to it; the system deletes its temporary files later.
        }
    }
}
