// A real socket.io client with three real servers: its polling phase works only if all requests of a session meet the
// same server, which is what `balance: sticky` is for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';

import { needPackage } from './harness/needs.mjs';
import { upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const { Server } = needPackage('socket.io');
const { io } = needPackage('socket.io-client');

const clients = 9;

async function socketServer(scene, name) {
  const server = http.createServer((_, response) => response.end('not Socket.IO\n'));
  const sockets = new Server(server, { pingInterval: 5_000 });
  sockets.on('connection', (socket) => {
    socket.on('echo', (value, answer) => answer({ value, name, transport: socket.conn.transport.name }));
  });
  scene.closers.push(() => sockets.close());
  return scene.listen(server);
}

// Node has no cookie store for it, hence `withCredentials`: engine.io-client keeps the cookies itself then.
function connect(gateway, options) {
  return io(`http://127.0.0.1:${gateway.port}`, { forceNew: true, reconnection: false, withCredentials: true, ...options });
}

async function opened(socket) {
  await Promise.race([
    once(socket, 'connect'),
    once(socket, 'connect_error').then(([error]) => { throw new Error(`${error.message}: ${error.context?.status}`); }),
  ]);
}

async function exchange(socket, count) {
  const servers = new Set();
  let transport;
  for (let i = 0; i < count; ++i) {
    const value = { i, text: 'x'.repeat(i * 50) };
    const answer = await socket.timeout(10_000).emitWithAck('echo', value);
    assert.deepEqual(answer.value, value);
    servers.add(answer.name);
    transport = answer.transport;
  }
  assert.equal(servers.size, 1, 'one server for the whole session');
  return { server: [...servers][0], transport };
}

await suite({
  'polling first, then WebSocket': async (_, { gateway }) => {
    const met = new Set();
    for (let i = 0; i < clients; ++i) {
      const socket = connect(gateway);
      const upgraded = once(socket.io.engine, 'upgrade');
      await opened(socket);
      await upgraded;
      assert.equal(socket.io.engine.transport.name, 'websocket');
      const { server, transport } = await exchange(socket, 10);
      assert.equal(transport, 'websocket');
      met.add(server);
      socket.disconnect();
    }
    assert.equal(met.size, 3, `all three servers are used, not only ${[...met]}`);
  },

  'polling alone, 50 exchanges': async (_, { gateway }) => {
    const sockets = await Promise.all(Array.from({ length: 3 }, async () => {
      const socket = connect(gateway, { transports: ['polling'] });
      await opened(socket);
      return socket;
    }));
    await Promise.all(sockets.map(async (socket) => {
      const { transport } = await exchange(socket, 50);
      assert.equal(transport, 'polling');
      socket.disconnect();
    }));
  },

  'without stickiness polling fails: the test can': async (scene, { ports }) => {
    const gateway = await scene.gateway(upstream(ports, { balance: 'round-robin' }));
    const socket = connect(gateway, { transports: ['polling'] });
    await assert.rejects(opened(socket), /400/);
    socket.disconnect();
  },
}, async (scene) => {
  const ports = [];
  for (const name of ['a', 'b', 'c']) ports.push(await socketServer(scene, name));
  return { ports, gateway: await scene.gateway(upstream(ports, { balance: 'sticky' })) };
});
