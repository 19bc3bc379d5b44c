using System.Reflection;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using PubSub.Hosting.Description;
using PubSub.Hosting.Protocol;

namespace PubSub.PropertyTests.Description;

using Hosting; // the framework's own names come first
using Parameter = PubSub.Hosting.Description.Parameter;

/// <summary>Writes the description of REST from the endpoints of a Host: their routes, and what they say of themselves.</summary>
internal static class OpenApiWriter
{
    private const string Key = "api_key";
    private const string Bearer = "bearer";

    public static async Task<string> WriteAsync(IReadOnlyList<Endpoint> endpoints)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.UseReadableJson();
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.AddOpenApi(options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            options.AddDocumentTransformer((document, context, _) => DescribeAsync(document, context, endpoints));
        });
        await using var app = builder.Build();
        var document = await app.Services.GetRequiredKeyedService<IOpenApiDocumentProvider>("v1").GetOpenApiDocumentAsync();
        return $"{await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1)}\n".ReplaceLineEndings("\n");
    }

    private static async Task DescribeAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, IReadOnlyList<Endpoint> endpoints)
    {
        document.Info = new()
        {
            Title = "PubSub.Host",
            Version = "1.1",
            Description = "Publish/subscribe over HTTP. asyncapi.json describes the WebSocket and the streams of events. "
                + "What can be read with GET can be asked for with HEAD. Errors are problem documents (RFC 9457) with a code.",
            License = new() { Name = "MIT", Identifier = "MIT" },
        };
        document.Servers = [new() { Url = "/" }];
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Key] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key" },
            [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" },
        };
        document.Paths = [];
        var routes = endpoints.OfType<RouteEndpoint>().OrderBy(endpoint => endpoint.RoutePattern.RawText, StringComparer.Ordinal);
        foreach (var endpoint in routes)
        {
            var path = endpoint.RoutePattern.RawText!;
            if (!document.Paths.TryGetValue(path, out var item))
            {
                document.Paths[path] = item = new OpenApiPathItem();
            }

            var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"];
            foreach (var method in methods.Where(method => method != "HEAD"))
            {
                ((OpenApiPathItem)item).AddOperation(new HttpMethod(method), await OperationAsync(document, context, endpoint));
            }
        }

        var problem = (OpenApiSchema)document.Components.Schemas![nameof(Problem)];
        ((OpenApiSchema)problem.Properties!["code"]).Enum =
            [.. Codes().Select(code => System.Text.Json.Nodes.JsonValue.Create(code))];
    }

    private static async Task<OpenApiOperation> OperationAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, RouteEndpoint endpoint)
    {
        var isOpen = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
        var operation = new OpenApiOperation
        {
            OperationId = endpoint.Metadata.GetRequiredMetadata<IEndpointNameMetadata>().EndpointName,
            Summary = endpoint.Metadata.GetRequiredMetadata<IEndpointSummaryMetadata>().Summary,
            Parameters =
            [
                .. endpoint.RoutePattern.Parameters.Select(_ => Name()),
                .. endpoint.Metadata.GetOrderedMetadata<Parameter>().Select(Of),
            ],
            Security = isOpen ? [] :
            [
                [], // while access is off
                new() { [new OpenApiSecuritySchemeReference(Key, document)] = [] },
                new() { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] },
            ],
            Responses = [],
        };
        if (endpoint.Metadata.GetMetadata<Taken>() is { } taken)
        {
            var one = await SchemaAsync(document, context, taken.Body);
            var schema = taken.OrMany
                ? new OpenApiSchema
                {
                    OneOf = [one, new OpenApiSchema { Type = JsonSchemaType.Array, Items = one, MinItems = 1, MaxItems = 1_000 }],
                }
                : one;
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new OpenApiMediaType { Schema = schema } },
            };
        }

        var answers = endpoint.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>()
            .Select(answer => (answer.StatusCode, answer.Type!, answer.ContentTypes.First()));
        if (!isOpen)
        {
            answers = answers.Append((401, typeof(Problem), "application/problem+json"));
        }

        if (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is null)
        {
            operation.Responses["101"] = new OpenApiResponse { Description = ReasonPhrases.GetReasonPhrase(101) };
        }

        foreach (var (status, type, contentType) in answers.OrderBy(answer => answer.StatusCode))
        {
            operation.Responses[$"{status}"] = new OpenApiResponse
            {
                Description = ReasonPhrases.GetReasonPhrase(status),
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [contentType] = new OpenApiMediaType { Schema = await SchemaAsync(document, context, type) },
                },
            };
        }

        return operation;
    }

    /// <summary>The schema of a type, among those that all share.</summary>
    private static async Task<IOpenApiSchema> SchemaAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, Type type)
    {
        var schema = await context.GetOrCreateSchemaAsync(type);
        if (type == typeof(string) || type == typeof(object))
        {
            return schema;
        }

        if (document.Components!.Schemas?.ContainsKey(type.Name) is not true)
        {
            document.AddComponent(type.Name, schema);
        }

        return new OpenApiSchemaReference(type.Name, document);
    }

    private static OpenApiParameter Name() => new()
    {
        Name = "name",
        In = ParameterLocation.Path,
        Required = true,
        Description = "The topic's name, percent-encoded.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = TopicName.MaxCharacters },
    };

    private static OpenApiParameter Of(Parameter parameter) => new()
    {
        Name = parameter.Name,
        In = parameter.IsHeader ? ParameterLocation.Header : ParameterLocation.Query,
        Description = parameter.Text,
        Schema = new OpenApiSchema { Type = parameter.Type == "integer" ? JsonSchemaType.Integer : JsonSchemaType.String },
    };

    private static IEnumerable<string> Codes() =>
        typeof(ErrorCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(code => (string)code.GetValue(null)!)
            .Except([ErrorCode.SlowConsumer, ErrorCode.MissedEvents]);
}
