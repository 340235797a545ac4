// What the guide's loop is in Node: ws, JSON.parse, zeromq.
//
// usage: node node.js URL CA_FILE STREAMS_FILE ENDPOINT plain|deflate

const fs = require("fs");
const WebSocket = require("ws");
const { Publisher } = require("zeromq");

async function main(url, caFile, streamsFile, endpoint, compression) {
  const publisher = new Publisher({ sendHighWaterMark: 100000 });
  await publisher.bind(endpoint);
  const streams = fs.readFileSync(streamsFile, "utf8").split("\n").filter(Boolean);
  const websocket = new WebSocket(url, {
    ca: fs.readFileSync(caFile), perMessageDeflate: compression === "deflate",
  });
  websocket.on("open", () => {
    for (let first = 0; first < streams.length; first += 100) {
      const params = streams.slice(first, first + 100);
      websocket.send(JSON.stringify({ method: "SUBSCRIBE", params }));
    }
  });
  // send() may not be called anew before it is done with the message before.
  let sending = Promise.resolve();
  websocket.on("message", (message) => {
    const { stream } = JSON.parse(message);
    sending = sending.then(() => publisher.send([stream, message]));
  });
  websocket.on("close", () => process.exit(1));
}

main(...process.argv.slice(2));
