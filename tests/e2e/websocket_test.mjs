// Node's `ws` as client and as server, with the gateway between them.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';

import { needPackage } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const { WebSocket, WebSocketServer } = needPackage('ws');

const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000, 5_000_000];

// A server that echoes; `?greet=N` sends N messages at once, `?flood=N` N of a megabyte, `?close=CODE` closes at once.
function echoServer(options) {
  const server = http.createServer((_, response) => response.end('plain\n'));
  const sockets = new WebSocketServer({
    server, maxPayload: 16 << 20,
    handleProtocols: (offered) => (offered.has('chosen') ? 'chosen' : false),
    verifyClient: ({ req }, answer) => (req.url.startsWith('/forbidden')
      ? answer(false, 403, 'no', { 'X-Reason': 'because' }) : answer(true)),
    ...options,
  });
  server.closed = [];
  sockets.on('connection', (socket, request) => {
    const query = new URL(request.url, 'http://x').searchParams;
    for (let i = 0; i < Number(query.get('greet') ?? 0); ++i) socket.send(`greeting ${i}`);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
    socket.on('close', (code, reason) => server.closed.push({ code, reason: reason.toString() }));
    socket.on('ping', () => { server.pings = (server.pings ?? 0) + 1; });
    for (let i = 0; i < Number(query.get('flood') ?? 0); ++i) socket.send(Buffer.alloc(1 << 20, i), { compress: false });
    if (query.has('close')) socket.close(Number(query.get('close')), 'server says bye');
    if (query.has('ping')) {
      socket.on('pong', (payload) => socket.send(`pong ${payload}`));
      socket.ping('are you there');
    }
    if (query.has('terminate')) socket.terminate();
  });
  return server;
}

async function open(url, ...rest) {
  const socket = new WebSocket(url, ...rest);
  socket.received = [];
  socket.on('message', (data, binary) => socket.received.push({ data, binary }));
  await once(socket, 'open');
  return socket;
}

async function close(socket) {
  const closed = once(socket, 'close');
  socket.close(1000);
  await closed;
}

async function echoed(socket, message) {
  const reply = once(socket, 'message');
  socket.send(message);
  const [data, binary] = await reply;
  assert.equal(binary, typeof message !== 'string');
  const bytes = Buffer.from(message);
  assert.equal(data.length, bytes.length);
  assert.ok(data.equals(bytes), `${bytes.length} bytes came back changed`);
}

async function echoAll(socket) {
  for (const size of sizes) {
    await echoed(socket, crypto.randomBytes(size));
    await echoed(socket, 'ä'.repeat(size / 2) + (size % 2 ? 'x' : ''));
  }
}

// Waits for a second in which the gateway uses next to no processor time: a loop that spins never gives one.
async function atRest({ pid }) {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);  // user and system, in hundredths of a second
  };
  let before = ticks();
  let since = Date.now();
  await until('the gateway is at rest', () => {
    if (ticks() - before > 5) {
      before = ticks();
      since = Date.now();
    }
    return Date.now() - since > 1_000;
  });
}

await suite({
  'echo of many sizes, text and binary': async (_, { url }) => {
    const socket = await open(url, { perMessageDeflate: false });
    assert.equal(socket.extensions, '');
    await echoAll(socket);
    await close(socket);
  },

  'echo with permessage-deflate from end to end': async (_, { url }) => {
    const socket = await open(url, { perMessageDeflate: true });
    assert.match(socket.extensions, /permessage-deflate/);
    await echoAll(socket);
    await close(socket);
  },

  'fragments stay fragments of one message': async (_, { url }) => {
    const socket = await open(url);
    const reply = once(socket, 'message');
    socket.send('one ', { fin: false });
    socket.ping('between');
    socket.send('two ', { fin: false });
    socket.send('three', { fin: true });
    assert.equal((await reply)[0].toString(), 'one two three');
    await close(socket);
  },

  'many sockets at once, each with its own bytes': async (_, { url }) => {
    const sockets = await Promise.all(Array.from({ length: 50 }, () => open(url)));
    await Promise.all(sockets.map(async (socket) => {
      for (let i = 0; i < 20; ++i) await echoed(socket, crypto.randomBytes(1 + crypto.randomInt(20_000)));
    }));
    await Promise.all(sockets.map(close));
  },

  'the subprotocol is chosen by the server': async (_, { url }) => {
    const socket = await open(url, ['other', 'chosen']);
    assert.equal(socket.protocol, 'chosen');
    await close(socket);
  },

  'ping and pong from the client': async (_, { url, server }) => {
    const before = server.pings ?? 0;
    const socket = await open(url);
    const pong = once(socket, 'pong');
    socket.ping('payload');
    assert.equal((await pong)[0].toString(), 'payload');
    assert.equal(server.pings, before + 1);
    await close(socket);
  },

  'ping and pong from the server': async (_, { url }) => {
    const socket = await open(`${url}/?ping`);
    await until('the pong is reported', () => socket.received.length === 1);
    assert.equal(socket.received[0].data.toString(), 'pong are you there');
    await close(socket);
  },

  'messages sent at once by the server, behind its 101': async (_, { url }) => {
    for (let i = 0; i < 20; ++i) {
      const socket = await open(`${url}/?greet=50`);
      await until('all greetings', () => socket.received.length === 50);
      assert.deepEqual(socket.received.map(({ data }) => data.toString()),
        Array.from({ length: 50 }, (unused, n) => `greeting ${n}`));
      await close(socket);
    }
  },

  'close codes and reasons from the client': async (_, { url, server }) => {
    for (const code of [1000, 1001, 3000, 4321]) {
      const socket = await open(url);
      const closed = once(socket, 'close');
      const text = `reason ${crypto.randomUUID()}`;
      socket.close(code, text);
      const [seen, reason] = await closed;
      const atServer = await until('the server has seen it', () => server.closed.find((one) => one.reason === text));
      assert.equal(atServer.code, code);
      assert.equal(seen, code);
      assert.equal(reason.toString(), text);
    }
  },

  'close codes and reasons from the server': async (_, { url }) => {
    for (const code of [1000, 1008, 1011, 1012, 1013, 4200]) {
      const socket = new WebSocket(`${url}/?close=${code}`);
      const [seen, reason] = await once(socket, 'close');
      assert.equal(seen, code);
      assert.equal(reason.toString(), 'server says bye');
    }
  },

  'a server that vanishes: the client gets 1012': async (_, { url }) => {
    const socket = new WebSocket(`${url}/?terminate`);
    const [code] = await once(socket, 'close');
    assert.equal(code, 1012);
  },

  'a client that vanishes is gone at the server too': async (_, { url, server }) => {
    const lost = () => server.closed.filter(({ code }) => code === 1006).length;
    const before = lost();
    const socket = await open(url);
    socket.terminate();
    await until('the server has seen it', () => lost() === before + 1);
  },

  'a client that reads slowly loses nothing, and the gateway keeps next to nothing for it': async (_, { url, gateway }) => {
    const socket = await open(`${url}/?flood=100`, { perMessageDeflate: false });
    socket.pause();
    const buffered = async () => Number((await gateway.get('/metrics')).text.match(/^tidegate_tunnel_bytes (\d+)$/m)[1]);
    const kept = await until('the flood stands still', buffered);
    assert.ok(kept < 1 << 20, `${kept} bytes`);
    await atRest(gateway);
    socket.resume();
    await until('all of the flood', () => socket.received.length === 100);
    assert.ok(socket.received.every(({ data }, i) => data.length === 1 << 20 && data[0] === i && data.at(-1) === i));
    await close(socket);
    await until('nothing is kept', async () => await buffered() === 0);
  },

  'floods both ways at once': async (_, { url }) => {
    const socket = await open(url, { perMessageDeflate: false });
    const messages = Array.from({ length: 60 }, (unused, i) => Buffer.alloc(700_000 + i, i));
    for (const message of messages) socket.send(message);
    await until('all echoes', () => socket.received.length === messages.length);
    assert.ok(socket.received.every(({ data }, i) => data.equals(messages[i])));
    await close(socket);
  },

  'the gateway shuts down: clients get a Close, the server too': async (scene, { server }) => {
    const gateway = await scene.gateway({ ...upstream([server.address().port]), shutdown: { deadline: '300ms' } });
    const before = server.closed.length;
    const sockets = await Promise.all(Array.from({ length: 5 }, () => open(`ws://127.0.0.1:${gateway.port}`)));
    const closed = sockets.map((socket) => once(socket, 'close'));
    gateway.signal('SIGTERM');
    for (const [code] of await Promise.all(closed)) assert.ok([1001, 1012].includes(code), `code ${code}`);
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
    await until('the server has seen them', () => server.closed.length === before + sockets.length);
    for (const { code } of server.closed.slice(before)) assert.ok([1001, 1012].includes(code), `code ${code} at the server`);
  },

  'a handshake that the server refuses': async (_, { url }) => {
    const socket = new WebSocket(`${url}/forbidden`);
    const [, response] = await once(socket, 'unexpected-response');
    assert.equal(response.statusCode, 403);
    assert.equal(response.headers['x-reason'], 'because');
    socket.on('error', () => {});
    socket.terminate();
  },

  'nothing is left behind': async (_, { gateway }) => {
    await until('no tunnel is open', async () => {
      const { text } = await gateway.get('/metrics');
      return /^tidegate_tunnels\{[^}]*\} 0$/m.test(text) && /^tidegate_tunnel_bytes 0$/m.test(text);
    });
    const { text } = await gateway.get('/endpoints');
    assert.deepEqual(JSON.parse(text).endpoints.map(({ active }) => active), [0]);
    await atRest(gateway);
  },
}, async (scene) => {
  const server = echoServer({ perMessageDeflate: { threshold: 0 } });
  const gateway = await scene.gateway(upstream([await scene.listen(server)]));
  return { gateway, server, url: `ws://127.0.0.1:${gateway.port}` };
});
