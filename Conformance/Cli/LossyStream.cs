namespace PubSub.Conformance.Cli;

/// <summary>
/// Standard output or standard error. After the first write that fails, because the disk is full or the terminal is gone, it drops all
/// text, so that the verdict and the reports do not depend on it.
/// </summary>
internal sealed class LossyStream(Stream inner) : Stream
{
    /// <summary>The message of the first write that failed; null while none has.</summary>
    public string? Fault { get; private set; }

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Puts such a stream under both of the console's writers, and returns the one of standard output.</summary>
    public static LossyStream ReplaceConsole()
    {
        var output = new LossyStream(Console.OpenStandardOutput());
        Console.SetOut(Writer(output));
        Console.SetError(Writer(new LossyStream(Console.OpenStandardError())));
        return output;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (Fault is not null)
        {
            return;
        }

        try
        {
            inner.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fault = e.Message;
        }
    }

    public override void Flush()
    {
        // The console's streams do not buffer.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    private static StreamWriter Writer(LossyStream stream) => new(stream, Console.OutputEncoding) { AutoFlush = true };
}
