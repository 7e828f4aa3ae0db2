// The golden case of a folder, computed in WebAssembly: node check.mjs MODULE.wasm CASE

import { readFileSync } from "node:fs";

const [module, folder] = process.argv.slice(2);

// Little-endian float64 in C order, as all of the cases are.
function readNpy(path) {
  const file = readFileSync(path);
  const header = file.toString("latin1", 10, 10 + file.readUInt16LE(8));
  if (!header.includes("'<f8'") || header.includes("True")) throw new Error(`${path}: ${header}`);
  const shape = header.match(/\(([^)]*)\)/)[1].split(",").filter((n) => n.trim()).map(Number);
  const data = file.subarray(10 + header.length);
  return { shape, at: (i) => data.readDoubleLE(8 * i), length: data.length / 8 };
}

const check = (holds, what) => {
  if (!holds) throw new Error(what);
};

const { J, L = 8 } = JSON.parse(readFileSync(`${folder}/case.json`)).args;
const input = readNpy(`${folder}/input.npy`);
const expected = readNpy(`${folder}/output.npy`);
const { instance } = await WebAssembly.instantiate(readFileSync(module));
const wasm = instance.exports;

for (let i = 0; i < input.length; i++) wasm.push(input.at(i));
const [rows, columns] = input.shape.slice(-2);
const count = wasm.transform(rows, columns, J, L);
check(count === expected.length, `${count} coefficients instead of ${expected.length}`);

// Kymatio's 3.1415 for pi, as in tests/data/README.md: its order m is ours times (pi / 3.1415)^(m + 1).
const perPath = count / expected.shape.at(-3);
const order = (row) => (row === 0 ? 0 : row <= J * L ? 1 : 2);
let [error, norm] = [0, 0];
for (let i = 0; i < count; i++) {
  const ours = wasm.coefficient(i) * (Math.PI / 3.1415) ** (order(Math.floor(i / perPath)) + 1);
  error += (ours - expected.at(i)) ** 2;
  norm += expected.at(i) ** 2;
}
const relative = Math.sqrt(error / norm);
check(relative < 5e-7, `the relative error is ${relative}`);
check(wasm.refuses_what_cannot_fit() === 1, "a plan beyond the address space was not refused");
check(wasm.refuses_to_measure() === 1, "a plan that needs a clock was not refused");
console.log(`${folder}: ${count} coefficients, relative error ${relative.toExponential(1)}; errors as elsewhere`);
