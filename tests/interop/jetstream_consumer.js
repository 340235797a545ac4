// Reads the stream BACKPACK of JetStream by NATS' own client, in the two ways that README tells of:
//   node jetstream_consumer.js URL durable NAME COUNT   the next COUNT messages of the durable consumer NAME
//   node jetstream_consumer.js URL since TIME           what was stored since then, and what comes, in order
// Prints each message as a line of JSON, a durable one's once the server knows that it was read, and stays
// until it is ended. Node 18 or later; npm install nats@2
"use strict";
const { AckPolicy, connect, DeliverPolicy, nanos } = require("nats");

const STREAM = "BACKPACK";
const PATIENCE = 600_000;  // ms: a busy server is no reason to give up, nor a busy reader one to send again

function print(message) {
  const headers = Object.fromEntries(message.headers.keys().map(name => [name, message.headers.get(name)]));
  const payload = Buffer.from(message.data).toString("base64");
  process.stdout.write(JSON.stringify({ subject: message.subject, headers, payload }) + "\n");
}

// The server keeps its place: whoever comes with this name goes on where the one before has stopped.
async function readDurable(client, name, count) {
  const manager = await client.jetstreamManager({ timeout: PATIENCE });
  await manager.consumers.add(
    STREAM, { durable_name: name, ack_policy: AckPolicy.Explicit, ack_wait: nanos(PATIENCE) });
  const consumer = await client.jetstream({ timeout: PATIENCE }).consumers.get(STREAM, name);
  for await (const message of await consumer.fetch({ max_messages: count, expires: PATIENCE })) {
    if (!await message.ackAck()) throw new Error("the server has not confirmed an acknowledgement");
    print(message);
  }
}

// The client keeps its place, and makes itself another consumer where this one is gone.
async function readSince(client, time) {
  const consumer = await client.jetstream({ timeout: PATIENCE }).consumers.get(
    STREAM, { deliver_policy: DeliverPolicy.StartTime, opt_start_time: time });
  for await (const message of await consumer.consume()) print(message);
}

async function main(url, way, ...rest) {
  const client = await connect({ servers: url, timeout: PATIENCE });
  if (way === "durable") await readDurable(client, rest[0], Number(rest[1]));
  else await readSince(client, rest[0]);
}

main(...process.argv.slice(2)).catch(error => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
