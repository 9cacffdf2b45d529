// NumPy's random streams, bit for bit: np.random.Generator(np.random.PCG64(seed)), as far as training uses it.
// So a seed means the same on this page and in Python.
const MASK32 = 0xffffffffn, MASK64 = (1n << 64n) - 1n, MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = (2549297995355413924n << 64n) | 4865540595714422341n; // PCG64, O'Neill 2014

// SeedSequence(seed).generate_state(8, uint32) for seeds below 2^32.
function seedWords(seed) {
  const mixed = (constant, factor) => (value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, factor) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x, y) => {
    const result = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (result ^ (result >>> 16)) >>> 0;
  };
  const hash = mixed(0x43b0d7e5, 0x931e8875);
  const pool = [seed >>> 0, 0, 0, 0].map(hash);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  const out = mixed(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: 8 }, (_, n) => out(pool[n % 4]));
}

// The ziggurat of 256 layers: x_255 = R, ..., and what NumPy's tables hold, from its definition.
const R = 3.6541528853610088, AREA = 0.004928673233974655;
const TWO52 = 2 ** 52;
const density = (x) => Math.exp((-x * x) / 2);

function ziggurat() {
  const [ki, wi, fi] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  const bottom = AREA / density(R);
  let outer = R, inner = R;
  ki[0] = (R / bottom) * TWO52;
  wi[0] = bottom / TWO52;
  fi[0] = 1;
  wi[255] = R / TWO52;
  fi[255] = density(R);
  for (let i = 254; i >= 1; i--) {
    inner = Math.sqrt(-2 * Math.log(AREA / outer + density(outer)));
    ki[i + 1] = Math.trunc((inner / outer) * TWO52);
    outer = inner;
    wi[i] = inner / TWO52;
    fi[i] = density(inner);
  }
  ki[0] = Math.trunc(ki[0]);
  ki[1] = 0;
  return { ki, wi, fi };
}
const { ki, wi, fi } = ziggurat();

export class Random {
  constructor(seed) {
    const words = seedWords(seed).map(BigInt);
    const pair = (n) => words[n] | (words[n + 1] << 32n);
    const start = (pair(0) << 64n) | pair(2), stream = (pair(4) << 64n) | pair(6);
    this.increment = ((stream << 1n) | 1n) & MASK128;
    this.state = this.increment;
    this.state = (this.state + start) & MASK128;
    this.advance();
    this.kept = null; // the upper half of a 64-bit number, for the next 32-bit number
  }
  advance() {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK128;
  }
  uint64() {
    this.advance();
    const { state } = this, turn = state >> 122n, word = ((state >> 64n) ^ state) & MASK64;
    return ((word >> turn) | (word << (64n - turn))) & MASK64;
  }
  uint32() {
    if (this.kept !== null) {
      const value = this.kept;
      this.kept = null;
      return value;
    }
    const value = this.uint64();
    this.kept = Number(value >> 32n);
    return Number(value & MASK32);
  }
  double() {
    return Number(this.uint64() >> 11n) / 2 ** 53;
  }
  normal() {
    for (;;) {
      const bits = this.uint64(), layer = Number(bits & 0xffn), negative = (bits >> 8n) & 1n;
      const magnitude = Number((bits >> 9n) & ((1n << 52n) - 1n));
      const x = magnitude * wi[layer] * (negative ? -1 : 1);
      if (magnitude < ki[layer]) return x;
      if (layer === 0) {
        for (;;) {
          const beyond = -Math.log1p(-this.double()) / R, y = -Math.log1p(-this.double());
          if (y + y > beyond * beyond) return (magnitude >> 8) & 1 ? -(R + beyond) : R + beyond;
        }
      }
      if ((fi[layer - 1] - fi[layer]) * this.double() + fi[layer] < density(x)) return x;
    }
  }
  // An integer from 0 to `most`: the lowest bits of a draw, drawn again while too large.
  upTo(most) {
    const mask = 2 ** (32 - Math.clz32(most)) - 1;
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= most) return value;
    }
  }
  permutation(n) {
    const order = Int32Array.from({ length: n }, (_, k) => k);
    for (let i = n - 1; i > 0; i--) {
      const j = this.upTo(i), value = order[i];
      order[i] = order[j];
      order[j] = value;
    }
    return order;
  }
}

// Weights.draw of snnbp/circuit/weights.py: clipped to +-240, truncated toward zero to even numbers.
export function drawWeights(random, sizes, threshold) {
  return sizes.slice(1).map((post, n) => {
    const pre = sizes[n], factor = Math.sqrt(2 / (pre + post));
    return Int16Array.from({ length: pre * post }, () => {
      const weight = random.normal() * factor * threshold;
      return 2 * Math.trunc(Math.min(240, Math.max(-240, weight)) / 2);
    });
  });
}
