// Maps a model with llama.cpp and says which tokens it generates, the likeliest one each time.
//   node generate.mjs NODE-LLAMA-CPP MODEL TOKENS
import { pathToFileURL } from "node:url";

const [packageFile, modelPath, count] = process.argv.slice(2);
const { getLlama, LlamaLogLevel } = await import(pathToFileURL(packageFile).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath, useMmap: true });
const context = await model.createContext({ contextSize: 128, threads: 2 });
const tokens = [];
for await (const token of context.getSequence().evaluate(model.tokenize("hello"), { temperature: 0 })) {
  tokens.push(token);
  if (tokens.length === Number(count)) break;
}
console.log(tokens.join(" "));
process.exit(0);
