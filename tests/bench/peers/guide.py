#!/usr/bin/python3
"""The loop of the exchange's own guide, with ZeroMQ added: what one would write within the hour.

usage: guide.py URL CA_FILE STREAMS_FILE ENDPOINT plain|deflate
"""

import asyncio
import json
import ssl
import sys

import websockets
import zmq


async def main(url, ca_file, streams_file, endpoint, compression):
    publisher = zmq.Context.instance().socket(zmq.PUB)
    publisher.sndhwm = 100_000
    publisher.bind(endpoint)
    with open(streams_file, encoding="utf-8") as file:
        streams = file.read().split()
    context = ssl.create_default_context(cafile=ca_file)
    async with websockets.connect(
            url, ssl=context, compression="deflate" if compression == "deflate" else None) as websocket:
        for first in range(0, len(streams), 100):
            request = {"method": "SUBSCRIBE", "params": streams[first:first + 100]}
            await websocket.send(json.dumps(request))
        async for message in websocket:
            stream = json.loads(message)["stream"]
            publisher.send_multipart([stream.encode(), message.encode()])


asyncio.run(main(*sys.argv[1:]))
