//! What of the API is told to programs, as OpenAPI 3.1 has it. Made from the types that are answered with: schemars makes
//! the manifest's schema already, and a second set of derives (utoipa's) would have to be kept the same.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::web::problem::Problem;

/// What an endpoint takes or gives.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// JSON of a type.
    Json(fn(&mut SchemaGenerator) -> Value),
    /// Anything else, by its media types.
    Other(&'static [&'static str]),
    /// A stored file, by its media types: also a part of it, and nothing where it is known.
    File(&'static [&'static str]),
}

impl Form {
    pub(super) const fn of<T: JsonSchema>() -> Self {
        Self::Json(schema_of::<T>)
    }

    fn content(self, schemas: &mut SchemaGenerator) -> Value {
        match self {
            Self::Json(schema) => json!({ "application/json": { "schema": schema(schemas) } }),
            Self::Other(types) | Self::File(types) => {
                types.iter().map(|name| ((*name).to_owned(), json!({}))).collect()
            }
        }
    }
}

pub(super) fn schema_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

/// The document about `endpoints`.
pub(super) fn document(endpoints: &[Endpoint]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.name()] = operation(endpoint, &mut schemas);
    }
    let problem = json!({
        "description": "why the request was not answered",
        "content": { "application/problem+json": { "schema": schema_of::<Problem>(&mut schemas) } },
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "LangFlix Fleet",
            "version": "1",
            "description": "Where runs stand, what lies in the queues, who works, and what operators do about it.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "bearer": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": { "Problem": problem },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic", "description": "any user; the token is the password" },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = named(endpoint.path).map(in_path).collect();
    parameters.extend(endpoint.query.map(|query| in_query(&query(schemas), schemas)).into_iter().flatten());
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            "200": { "description": endpoint.gives, "content": endpoint.answer.content(schemas) },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Form::File(_) = endpoint.answer {
        let content = endpoint.answer.content(schemas);
        operation["responses"]["206"] = json!({ "description": "the part that Range asks for", "content": content });
        operation["responses"]["304"] = json!({ "description": "the file is the one that If-None-Match names" });
        for name in ["Range", "If-Range", "If-None-Match"] {
            let header = json!({ "name": name, "in": "header", "schema": { "type": "string" } });
            operation["parameters"].as_array_mut().into_iter().for_each(|all| all.push(header.clone()));
        }
    }
    if let Some(body) = endpoint.body {
        operation["requestBody"] = json!({ "required": true, "content": body.content(schemas) });
    }
    if endpoint.method.acts() {
        operation["security"] = json!([{ "bearer": [] }, { "basic": [] }]);
    }
    operation
}

/// What stands in braces.
fn named(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn in_path(name: &str) -> Value {
    let schema = match name {
        "number" => json!({ "type": "integer", "minimum": 1 }),
        "file" => json!({ "type": "string", "enum": ["clip.mp4", "poster.jpg", "source.vtt", "target.vtt"] }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// The fields of a query, each a parameter of its own.
fn in_query(schema: &Value, schemas: &mut SchemaGenerator) -> Vec<Value> {
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let fields = schemas.definitions_mut().remove(name).unwrap_or_default();
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({ "name": name, "in": "query", "description": description, "schema": schema })
    };
    fields["properties"].as_object().into_iter().flatten().map(parameter).collect()
}
