// What graphql-codegen learns from a running gateway, all that it can ask for, written as a schema file.
const everything = { specifiedByUrl: true, inputValueDeprecation: true, directiveIsRepeatable: true, schemaDescription: true };

export default {
  schema: { "http://127.0.0.1:8081/graphql": everything },
  generates: { "introspected.graphql": { plugins: ["schema-ast"], config: { includeDirectives: true } } },
};
