// Lists the files that a Node program may load, one a line after "= ". Usage: node trace.mjs NFT BASE ENTRY
import { createRequire } from "node:module";

const [nft, base, entry] = process.argv.slice(2);
const { nodeFileTrace } = createRequire(import.meta.url)(nft);
const { fileList, warnings } = await nodeFileTrace([entry], { base, processCwd: base });
for (const warning of warnings) console.error(warning.message.split("\n")[0]);
for (const file of [...fileList].sort()) console.log(`= ${file}`);
