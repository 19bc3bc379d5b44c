using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace PubSub.Hosting.Metrics;

/// <summary>
/// How metrics and traces leave the process: <c>/metrics</c> if METRICS is on, OTLP over HTTP if OTLP_ENDPOINT is set. Otherwise there are
/// neither instruments nor services of OpenTelemetry.
/// </summary>
internal static class Exporting
{
    /// <summary>Milliseconds that a push may take. The last is sent when the process stops, and must not delay that for long.</summary>
    private const int PushMilliseconds = 3_000;

    public static void AddMetrics(this WebApplicationBuilder builder, Settings settings)
    {
        if (!settings.Measures)
        {
            return;
        }

        DropReports.Watch();
        builder.Services.AddSingleton<Instruments>();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("pubsub").AddEnvironmentVariableDetector()) // OTEL_SERVICE_NAME wins
            .WithMetrics(metrics => metrics.AddMeter(Instruments.MeterName).AddScraping(settings).AddPushing(settings));
        if (settings.Traces)
        {
            telemetry.WithTracing(traces => traces
                .AddSource(Tracing.SourceName)
                .AddOtlpExporter(exporter => exporter.SendTo(settings.OtlpEndpoint, "/v1/traces")));
        }
    }

    /// <summary>Maps <c>/metrics</c>, and shows the state of the node.</summary>
    public static void MapMetrics(this WebApplication app, Settings settings, Func<bool> isAvailable, Func<bool> isDraining)
    {
        if (settings.Measures)
        {
            app.Services.GetRequiredService<Instruments>().ObserveState(isAvailable, isDraining);
        }

        if (settings.Metrics == "on")
        {
            app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new HttpMethodMetadata(["GET", "HEAD"]));
        }
    }

    private static MeterProviderBuilder AddScraping(this MeterProviderBuilder metrics, Settings settings) => settings.Metrics == "on"
        ? metrics.AddPrometheusExporter(exporter => exporter.ScopeInfoEnabled = false) // the Host has one meter
        : metrics;

    private static MeterProviderBuilder AddPushing(this MeterProviderBuilder metrics, Settings settings) => settings.Traces
        ? metrics.AddOtlpExporter(exporter => exporter.SendTo(settings.OtlpEndpoint, "/v1/metrics"))
        : metrics;

    private static void SendTo(this OtlpExporterOptions exporter, string endpoint, string path)
    {
        var url = new UriBuilder(endpoint);
        url.Path = url.Path.TrimEnd('/') + path;
        (exporter.Protocol, exporter.Endpoint) = (OtlpExportProtocol.HttpProtobuf, url.Uri);
        exporter.TimeoutMilliseconds = PushMilliseconds;
    }
}
