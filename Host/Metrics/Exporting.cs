using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace PubSub.Hosting.Metrics;

/// <summary>
/// How metrics and traces leave the process: <c>/metrics</c> if METRICS is on, OTLP over HTTP if OTLP_ENDPOINT is set. Otherwise there are
/// neither instruments nor services of OpenTelemetry.
/// </summary>
internal static class Exporting
{
    public static void AddMetrics(this WebApplicationBuilder builder, Settings settings)
    {
        if (!settings.Measures)
        {
            return;
        }

        builder.Services.AddSingleton<Instruments>();
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("pubsub").AddEnvironmentVariableDetector()) // OTEL_SERVICE_NAME wins
            .WithMetrics(metrics => metrics.AddMeter(Instruments.MeterName).AddScraping(settings));
        if (settings.Traces)
        {
            telemetry
                .WithTracing(traces => traces.AddSource(Tracing.SourceName))
                .UseOtlpExporter(OtlpExportProtocol.HttpProtobuf, new Uri(settings.OtlpEndpoint));
        }
    }

    /// <summary>Maps <c>/metrics</c>, and shows the state of the node.</summary>
    public static void MapMetrics(this WebApplication app, Settings settings, Func<bool> isAvailable, Func<bool> isDraining)
    {
        if (!settings.Measures)
        {
            return;
        }

        app.Services.GetRequiredService<Instruments>().ObserveState(isAvailable, isDraining);
        if (settings.Metrics == "on")
        {
            app.MapPrometheusScrapingEndpoint("/metrics").WithMetadata(new HttpMethodMetadata(["GET", "HEAD"]));
        }
    }

    private static void AddScraping(this MeterProviderBuilder metrics, Settings settings)
    {
        if (settings.Metrics == "on")
        {
            metrics.AddPrometheusExporter(exporter => exporter.ScopeInfoEnabled = false); // the Host has one meter
        }
    }
}
