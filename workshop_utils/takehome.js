// --- the net: torch's own operations, one after the other, each from { shape, values } to another, all of a batch of one ---
const TILE = 32; // pixels whose surroundings are gathered at a time
const raw = atob(NET.weights), numbers = new Float32Array(raw.length / 2);
for (let i = 0; i < numbers.length; i++) { // floats of 16 bits: a sign, 5 bits of exponent, 10 of fraction
  const half = raw.charCodeAt(2 * i) | (raw.charCodeAt(2 * i + 1) << 8), exponent = (half >> 10) & 31, fraction = half & 1023;
  numbers[i] = (half >> 15 ? -1 : 1) * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}
const product = (sizes) => sizes.reduce((a, b) => a * b, 1);
const pair = (given) => [given, given].flat().slice(-2);
const each = (shape, x, change) => ({ shape, values: x.values.map(change) });

const pixel = ({ shape: [, , height, width], values }, map, y, z, beyond) => y >= 0 && y < height && z >= 0 && z < width ? values[(map * height + y) * width + z] : beyond;

function maps([, count, high, wide], value) { // value: (map, row, column) -> number
  const values = new Float32Array(count * high * wide);
  for (let map = 0, place = 0; map < count; map++)
    for (let row = 0; row < high; row++) for (let column = 0; column < wide; column++) values[place++] = value(map, row, column);
  return { shape: [1, count, high, wide], values };
}

// out[first + o][start + t] = filter o * row t, eight products at a time
function multiply(filters, rows, length, first, count, out, area, start) {
  for (let o = 0; o < count; o += 2) {
    const one = (first + o) * length, other = o + 1 < count ? one + length : one;
    for (let t = 0; t < Math.min(TILE, area - start); t += 4) {
      let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
      for (let k = 0, row = t * length; k < length; k++, row++) {
        const u = filters[one + k], v = filters[other + k];
        const p = rows[row], q = rows[row + length], r = rows[row + 2 * length], s = rows[row + 3 * length];
        a += u * p; b += u * q; c += u * r; d += u * s; e += v * p; f += v * q; g += v * r; h += v * s;
      }
      const found = [a, b, c, d, e, f, g, h], most = Math.min(4, area - start - t);
      for (let i = 0; i < most; i++) {
        out[(first + o) * area + start + t + i] = found[i];
        if (other > one) out[(first + o + 1) * area + start + t + i] = found[4 + i];
      }
    }
  }
}

// Each takes the shape of its output, then what torch's function of that name takes.
const STEPS = {
  conv2d(shape, x, weight, bias, stride = 1, padding = 0, dilation = 1, groups = 1) {
    const [, , height, width] = x.shape, [, count, high, wide] = shape, [, depth, tall, broad] = weight.shape;
    const [down, across] = pair(stride), [above, before] = pair(padding), [lower, further] = pair(dilation);
    const length = depth * tall * broad, area = high * wide, values = new Float32Array(count * area);
    const rows = new Float32Array(TILE * length), tops = new Int32Array(TILE), lefts = new Int32Array(TILE);
    for (let start = 0; start < area; start += TILE) {
      for (let t = 0; t < TILE; t++) {
        tops[t] = Math.floor((start + t) / wide) * down - above;
        lefts[t] = ((start + t) % wide) * across - before;
      }
      for (let group = 0; group < groups; group++) {
        for (let k = 0; k < length; k++) { // a row holds what the filters see around one pixel
          const i = Math.floor(k / broad) % tall * lower, j = k % broad * further, map = group * depth + Math.floor(k / (tall * broad));
          for (let t = 0; t < TILE; t++) {
            const y = tops[t] + i, z = lefts[t] + j;
            rows[t * length + k] = y >= 0 && y < height && z >= 0 && z < width ? x.values[(map * height + y) * width + z] : 0;
          }
        }
        multiply(weight.values, rows, length, group * count / groups, count / groups, values, area, start);
      }
    }
    return { shape, values: bias ? values.map((value, place) => value + bias.values[Math.floor(place / area)]) : values };
  },
  linear(shape, x, weight, bias) {
    const [outputs, inputs] = weight.shape;
    return { shape, values: new Float32Array(product(shape)).map((_, place) => {
      const row = Math.floor(place / outputs) * inputs, output = place % outputs;
      let sum = bias ? bias.values[output] : 0;
      for (let i = 0; i < inputs; i++) sum += x.values[row + i] * weight.values[output * inputs + i];
      return sum;
    }) };
  },
  max_pool2d(shape, x, kernel, stride = [], padding = 0, dilation = 1) {
    const [tall, broad] = pair(kernel), [above, before] = pair(padding);
    const [down, across] = pair(stride.length === 0 ? kernel : stride), [lower, further] = pair(dilation);
    return maps(shape, (map, row, column) => {
      let most = -Infinity;
      for (let i = 0; i < tall; i++) for (let j = 0; j < broad; j++)
        most = Math.max(most, pixel(x, map, row * down - above + i * lower, column * across - before + j * further, -Infinity));
      return most;
    });
  },
  adaptive_avg_pool2d(shape, x) {
    const [, , height, width] = x.shape, [, , high, wide] = shape;
    return maps(shape, (map, row, column) => {
      const top = Math.floor(row * height / high), bottom = Math.ceil((row + 1) * height / high);
      const left = Math.floor(column * width / wide), right = Math.ceil((column + 1) * width / wide);
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let z = left; z < right; z++) sum += pixel(x, map, y, z);
      return sum / (bottom - top) / (right - left);
    });
  },
  pad: (shape, x, [left, , top = 0], mode, value) => maps(shape, (map, row, column) => pixel(x, map, row - top, column - left, value ?? 0)),
  permute(shape, x, order) {
    const steps = x.shape.map((_, dimension) => product(x.shape.slice(dimension + 1)));
    return { shape, values: x.values.map((_, place) => {
      let from = 0;
      for (let dimension = order.length - 1; dimension >= 0; place = Math.floor(place / shape[dimension--])) from += place % shape[dimension] * steps.at(order[dimension]);
      return x.values[from];
    }) };
  },
  mean(shape, x, dimensions) {
    const last = dimensions.map((dimension) => (dimension + x.shape.length) % x.shape.length);
    const order = [...x.shape.keys()].filter((dimension) => !last.includes(dimension)).concat(last);
    const { values } = STEPS.permute(order.map((dimension) => x.shape[dimension]), x, order), run = values.length / product(shape);
    return { shape, values: new Float32Array(product(shape)).map((_, place) => values.subarray(place * run, (place + 1) * run).reduce((a, b) => a + b) / run) };
  },
  cat(shape, parts, dimension = 0) { // in blocks that lie one after the other
    const place = (dimension + shape.length) % shape.length, blocks = product(shape.slice(0, place)), values = new Float32Array(product(shape));
    for (let block = 0, at = 0; block < blocks; block++) for (const part of parts) {
      const size = part.values.length / blocks;
      values.set(part.values.subarray(block * size, (block + 1) * size), at);
      at += size;
    }
    return { shape, values };
  },
  add: (shape, x, y) => each(shape, x, (value, place) => value + y.values[place]),
  relu: (shape, x) => each(shape, x, (value) => Math.max(value, 0)),
  relu6: (shape, x) => STEPS.hardtanh(shape, x, 0, 6),
  hardtanh: (shape, x, low = -1, high = 1) => each(shape, x, (value) => Math.min(Math.max(value, low), high)),
  view: (shape, x) => ({ shape, values: x.values }),
};

async function probabilities(picture, tell = () => {}) { // numbers of NET.shape -> the probability of each class
  const made = [{ shape: NET.shape, values: picture }];
  const filled = (given) => Array.isArray(given) ? given.map(filled)
    : given?.from !== undefined ? { shape: given.shape, values: numbers.subarray(given.from, given.from + product(given.shape)) }
    : given?.step !== undefined ? made[given.step] : given;
  let rested = performance.now();
  for (const [name, shape, given] of NET.steps) {
    const inputs = filled(given), inPlace = name.endsWith("_"), out = STEPS[inPlace ? name.slice(0, -1) : name](shape, ...inputs);
    if (inPlace) inputs[0].values.set(out.values); // so that whoever else reads that input sees what torch shows
    made.push(inPlace ? inputs[0] : out);
    if (performance.now() - rested < 50) continue;
    tell(made.length / NET.steps.length);
    await new Promise((next) => setTimeout(next)); // lets the browser draw and react
    rested = performance.now();
  }
  const { values } = made.at(-1), powers = Array.from(values, (value) => Math.exp(value - Math.max(...values))), sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// --- a picture in another size, as Pillow makes it ---
const FILTERS = { // how far one reaches, and how much a pixel at that distance counts
  bilinear: [1, (x) => 1 - x],
  box: [0.5, () => 1],
  bicubic: [2, (x) => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2],
};

// The old pixels along one side that make new pixel number `place` of `side`: the first, and how much each counts.
function shares(old, side, place, filter) {
  const scale = old / side, wide = Math.max(scale, 1), [far, weight] = FILTERS[filter];
  const centre = (place + 0.5) * scale, first = Math.max(0, Math.floor(centre - far * wide + 0.5));
  const last = Math.min(old, Math.floor(centre + far * wide + 0.5)), counts = [];
  for (let pixel = first; pixel < last; pixel++) counts.push(weight(Math.min(Math.abs(pixel + 0.5 - centre) / wide, far)));
  const sum = counts.reduce((a, b) => a + b);
  return [first, counts.map((count) => count / sum)];
}

// --- the page ---
let turn = Promise.resolve(); // one picture at a time
const element = (id) => document.getElementById(id), percent = (share) => `${(100 * share).toFixed(1)} %`;
const named = (name, tag = "bdi") => Object.assign(document.createElement(tag), { textContent: name, dir: "auto" }); // never as HTML

function showBars(found, places) { // of the classes at these places
  element("bars").replaceChildren(...places.flatMap((place) => {
    const bar = Object.assign(document.createElement("meter"), { value: found[place] });
    bar.setAttribute("aria-label", NET.classes[place]);
    return [named(NET.classes[place], "span"), bar, named(percent(found[place]), "span")];
  }));
}
