// What deserves attention though messages flow. Each concern says what is wrong, where, and what to do:
// `word` and `advice` make one sentence, without numbers that tick. What passed longer than RECENT ago
// is none any more; what comes and goes by nature is one only once it lasts.

// The most serious first: who lost messages, who may lose some, what is wrong, what may be.
const CONCERNS = [unsteadyConnection, evictedConsumer, losingConsumer, losingJetStream, skippedMessages, lostBooks, awayJetStream,
                  lateConsumer, highQueue, staleStreams, wrongClock, lateMessages, slowBridge, oddMessages, refusedConsumer];

function concerns(status) {
  return CONCERNS.map(concern => concern(status)).filter(found => found !== null);
}
