// Computes logits with the browser's ONNX runtime: node compute_logits.js NETWORK.onnx < PIXELS > LOGITS
// PIXELS: float32 [N, 1, 28, 28] as raw bytes. LOGITS: the logits, [N, 10], as JSON.
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-web";

const session = await InferenceSession.create(readFileSync(process.argv[2]));
const bytes = readFileSync(0);
const pixels = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const images = new Tensor("float32", pixels, [pixels.length / 784, 1, 28, 28]);
const { logits } = await session.run({ images });
const rows = Array.from({ length: logits.dims[0] }, (_, row) => Array.from(logits.data.slice(10 * row, 10 * row + 10)));
process.stdout.write(JSON.stringify(rows));
