// What happens in a phase, in a sentence for each event that the circuit's phases name.
const layer = (name) => (name ? `hidden layer ${name.trim()}` : "the hidden layer");

const SENTENCES = [
  [/^the sample is presented$/, () => "An image arrives: each of its black pixels makes one input neuron spike."],
  [/^input$/, () => "A gate opens x, which takes over the spikes of the input. They now go through W1 to the hidden neurons."],
  [/^hidden layer( \d)?$/, ([, n]) => `Each neuron of ${layer(n)} adds up the weights of the spikes that reach it, and spikes if the sum v is above half the threshold. The copies h< and h> compare the same sum with 0 and with the whole threshold.`],
  [/^the target is presented$/, () => "The right answer arrives as one spike."],
  [/^output$/, () => "The ten outputs add up the spikes of the hidden neurons, and spike above half the threshold: that is the answer."],
  [/^target$/, () => "The population t takes over the right answer."],
  [/^error$/, () => "Answer and target are compared. d+ spikes for the output that should have spiked, d− for outputs that should not have: all else follows from these spikes."],
  [/^W(\d) potentiates$/, ([, n]) => `Spikes are repeated on both sides of W${n}: synapses from a neuron that spiked to one that should be more active grow by one step.`],
  [/^W(\d) depresses$/, ([, n]) => `Spikes are repeated on both sides of W${n}: synapses from a neuron that spiked to one that should be less active shrink by one step.`],
  [/^deltas of hidden layer( \d)?, to potentiate$/, ([, n]) => `The error has gone back through the transposed weights. It tells which neurons of ${layer(n)} should have been more active.`],
  [/^deltas of hidden layer( \d)?, to depress$/, ([, n]) => `The error goes back once more with its sign reversed. It tells which neurons of ${layer(n)} should have been less active.`],
];

export function sentence(events) {
  const found = [], inhibited = [];
  for (const event of events) {
    const silent = event.match(/^(.*) inhibited$/);
    if (silent) inhibited.push(silent[1].replace(/^h(\d)T$/, "d$1"));
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
