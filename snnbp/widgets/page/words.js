// What happens in a phase, in a sentence for each event that the circuit's phases name.
const layer = (name) => (name ? `hidden layer ${name.trim()}` : "the hidden layer");

const SENTENCES = [
  [/^the sample is presented$/, () => "An image arrives: each of its black pixels makes one input neuron spike."],
  [/^input$/, () => "A gate opens x, which takes over the spikes of the input. They now go through W1 to the hidden neurons."],
  [/^hidden layer( \d)?$/, ([, n]) => `Each neuron of ${layer(n)} adds up the weights of the spikes that reach it, and spikes if the sum v is above half the threshold. The copies h< and h> compare the same sum with 0 and with the whole threshold.`],
  [/^the target is presented$/, () => "The right answer arrives as one spike."],
  [/^output$/, () => "The outputs add up the spikes of the hidden neurons, and spike above half the threshold: that is the answer."],
  [/^target$/, () => "The population t takes over the right answer."],
  [/^error$/, () => "Answer and target are compared. d+ spikes for the output that should have spiked, d− for outputs that should not have: all else follows from these spikes."],
  [/^W(\d) potentiates$/, ([, n]) => `Spikes are repeated on both sides of W${n}: synapses from a neuron that spiked to one that should be more active grow by one learning step.`],
  [/^W(\d) depresses$/, ([, n]) => `Spikes are repeated on both sides of W${n}: synapses from a neuron that spiked to one that should be less active shrink by one learning step.`],
  [/^deltas of hidden layer( \d)?, to potentiate$/, ([, n]) => `The error has gone back through the transposed weights. It tells which neurons of ${layer(n)} should have been more active.`],
  [/^deltas of hidden layer( \d)?, to depress$/, ([, n]) => `The error goes back once more with its sign reversed. It tells which neurons of ${layer(n)} should have been less active.`],
];

// What inhibited populations are called. The copies h< and h> go without saying, and nothing reaches oT- then.
const SILENT = [[/^h(\d)T$/, "d$1"], [/^h(\d)$/, "hidden layer $1"], [/^o$/, "the outputs"]];

export function sentence({ events, inhibits }) {
  const found = [], inhibited = [];
  for (const name of inhibits)
    for (const [pattern, words] of SILENT)
      if (pattern.test(name)) inhibited.push(name.replace(pattern, words));
  for (const event of events) {
    for (const [pattern, say] of SENTENCES) {
      const match = event.match(pattern);
      if (match) found.push(say(match));
    }
  }
  if (inhibited.length) {
    const names = inhibited.join(" and ");
    found.push(found.length ? `Inhibited meanwhile: ${names}.`
      : `Spikes also reach ${names}, where they have no business now: strong inhibition keeps ${names} silent.`);
  }
  return found.join(" ");
}

// The tiles of the stage: names of populations as the circuit has them, the tile's label, and what it is for.
const TILES = [
  [/^input$/, "image", "a neuron for each pixel; black pixels spike."],
  [/^x$/, "x", "takes over the spikes of the image, and repeats them when W1 learns."],
  [/^m_x6?$/, "memory of x (mx)", "keeps the image until W1 learns."],
  [/^h\d$/, "h", "the hidden neurons. When weights learn they repeat spikes, or spike for an error."],
  [/^h\d_copy$/, "h<", "a copy of h that spikes already if the potential is above 0: the lower end of the window."],
  [/^h\d_copy2$/, "h>", "a copy of h that spikes only if the potential is above the threshold: beyond the window."],
  [/^c_h\d$/, "window", "hidden neurons with a potential above 0 and not above the threshold. Only these learn."],
  [/^m_h\d$/, "memory of h (mh)", "keeps the spikes of h until weights learn."],
  [/^h\dT$/, "error d1, d2, …", "the error that came back to hidden neurons: which should have been more, or less, active."],
  [/^h\dT-$/, "h2ᵀ−, h3ᵀ−", "sends the error of this layer on to the layer before, with reversed sign."],
  [/^o$/, "o", "the outputs, one for each class. When weights learn they spike for an error."],
  [/^o_copy$/, "o<", "a copy of o that spikes already if the potential is above 0."],
  [/^o_copy2$/, "o>", "a copy of o that spikes only if the potential is above the threshold."],
  [/^in_tgt$/, "target", "the right answer, presented with the image."],
  [/^t$/, "t", "takes over the right answer, to be compared with o."],
  [/^d\+$/, "d+", "the output that should have spiked and did not."],
  [/^d-$/, "d−", "outputs that spiked and should not have."],
  [/^oT-$/, "oᵀ−", "sends the error of the outputs back with reversed sign."],
];

export const tiles = () => TILES.map(([, label, words]) => [label, words]);

export function tile(population) {
  const [, label, words] = TILES.find(([pattern]) => pattern.test(population));
  return `${label}: ${words}`;
}

// What can be switched off: the question before, and the answer after.
export const OFF = {
  none: { name: "nothing" },
  feedback: {
    name: "the way back of the error",
    why: "Only the last layer learns; the hidden neurons stay as random as they were. Random features are of some use, so that accuracy rises well above chance, and stops there: learned features are better. Compare the images of the hidden neurons.",
  },
  window: {
    name: "the window of the hidden neurons",
    why: "Now every hidden neuron with an error learns, also one so far below 0 or above the threshold that a small change has no effect. These changes disturb what other images need: accuracy stays far lower and jumps.",
  },
  upper: {
    name: "the copies h> and o>",
    why: "The window has no upper end: neurons far above the threshold learn too. With small learning steps potentials are rarely so high, and little changes. With large steps it even helps: without, a neuron that overshoots can no longer be corrected.",
  },
  depression: {
    name: "depression (weights only grow)",
    why: "No weight ever falls. Outputs that should have been silent cannot learn it: more and more of them spike for every image, until the answers are as good as chance.",
  },
};
