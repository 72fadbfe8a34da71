import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql", // or "http://127.0.0.1:8081/graphql"
  documents: ["*.ts", "screens/*.graphql"],
  importExtension: ".js",
  config: {
    scalars: { Date: "string", DateTime: "string", Decimal: "string", JSON: "unknown" }, strictScalars: true,
    nullability: { errorHandlingClient: true }, useTypeImports: true,
  },
  generates: {
    "gql/": { preset: "client", presetConfig: { fragmentMasking: false } },
    "gql/possible-types.ts": { plugins: ["fragment-matcher"], config: { useExplicitTyping: true } }, // for caches
    "gql-text/": { preset: "client", presetConfig: { fragmentMasking: false }, config: { documentMode: "string" } }, // for Stripes
  },
};

export default config;
