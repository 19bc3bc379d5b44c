namespace PubSub.Stress;

/// <summary>Memory is the resident set of the server's process in bytes, before and with the connections.</summary>
internal sealed record IdleReport(
    Setting Setting, int Connections, int Topics, long ResidentBefore, long ResidentWith, double BytesPerConnection, double IdleCores)
{
    public override string ToString() => $"""
        resident   {ResidentBefore / 1e6:0.0} MB before, {ResidentWith / 1e6:0.0} MB with {Connections:N0} connections in {Topics:N0} topics
        each       {BytesPerConnection:N0} bytes
        idle       {IdleCores:0.000} cores
        delivery   each connection received each message once
        """;
}
