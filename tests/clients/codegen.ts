import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql", // or "http://127.0.0.1:8081/graphql"
  documents: ["*.ts"],
  importExtension: ".js",
  config: { scalars: { DateTime: "string", JSON: "unknown" }, strictScalars: true, useTypeImports: true },
  generates: {
    "gql/": { preset: "client", presetConfig: { fragmentMasking: false } },
    "gql/possible-types.ts": { plugins: ["fragment-matcher"], config: { useExplicitTyping: true } },
  },
};

export default config;
