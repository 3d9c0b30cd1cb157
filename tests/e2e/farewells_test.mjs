// What real clients see when the gateway ends their sockets: Node's `ws` and pusher-js. A browser: browser_test.mjs.
import assert from 'node:assert/strict';
import { once } from 'node:events';

import { needPackage } from './harness/needs.mjs';
import { talkingPod, tornPod } from './harness/pods.mjs';
import { readFrames, trickle } from './harness/trickle.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const { WebSocket, WebSocketServer } = needPackage('ws');
const loaded = needPackage('pusher-js');
const Pusher = loaded.default ?? loaded;

const shutdown = { delay: '0s', window: '500ms', deadline: '20s' };

// An open socket; `closed` is what its end looked like, `at` when.
async function open(gateway, path = '/app/key') {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { perMessageDeflate: false });
  socket.received = [];
  socket.on('message', (data, binary) => socket.received.push(binary ? data : data.toString()));
  socket.closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString(), at: Date.now() }));
  });
  await once(socket, 'open');
  return socket;
}

const openMany = (gateway, count) => Promise.all(Array.from({ length: count }, () => open(gateway)));

async function assertClosed(socket, code, reason) {
  const { at, ...closed } = await socket.closed;
  assert.deepEqual(closed, { code, reason });
  return at;
}

// What the gateway holds because a reader does not take it.
async function keptBytes(gateway) {
  const { text } = await gateway.get('/metrics');
  return Number(text.match(/^tidegate_tunnel_bytes (\d+)$/m)[1]);
}

// The line of the access log about the only socket of this scene.
const line = (scene) => until('the line of the socket', () => scene.read('access.log').trim());

function connectPusher(gateway) {
  const pusher = new Pusher('app-key', {
    cluster: '', wsHost: '127.0.0.1', wsPort: gateway.port, forceTLS: false, enabledTransports: ['ws'],
    enableStats: false,
  });
  const seen = { sockets: [], codes: [], begun: [] };
  pusher.connection.bind('connected', () => seen.sockets.push(pusher.connection.socket_id));
  pusher.connection.bind('connecting', () => seen.begun.push(Date.now()));
  pusher.connection.bind('error', (error) => seen.codes.push(error.error?.data?.code ?? error.data?.code));
  return { pusher, seen };
}

const kill = (pod) => pod.signal('SIGKILL');
const drain = (pod, gateway) => gateway.order('endpoint', 'drain', `127.0.0.1:${pod.port}`);

// A pusher-js client whose pod is taken away: what it has seen by the time it is at the other one, and after how many
// milliseconds it began to connect again.
async function movePusher(scene, takeAway, settings) {
  const pods = [await scene.pod(), await scene.pod()];
  const gateway = await scene.gateway(upstream(pods.map(({ port }) => port), {
    readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1 }, ...settings,
  }));
  const { pusher, seen } = connectPusher(gateway);
  await until('a connection', () => seen.sockets.length === 1);
  const [leaving, other] = seen.sockets[0].startsWith(`${pods[0].pid}.`) ? pods : pods.reverse();
  const takenAt = Date.now();
  await takeAway(leaving, gateway);
  await until('another connection', () => seen.sockets.length === 2, 20_000);
  seen.waited = seen.begun.find((time) => time >= takenAt) - takenAt;
  pusher.disconnect();
  assert.ok(seen.sockets[1].startsWith(`${other.pid}.`), 'the other pod has it now');
  return seen;
}

await suite({
  'SIGTERM: sockets are closed one by one with 1001 and the reason': async (scene) => {
    const pod = await scene.pod();
    const gateway = await scene.gateway({ ...upstream([pod.port]), shutdown: { ...shutdown, window: '2s' } });
    const sockets = await openMany(gateway, 40);
    gateway.signal('SIGTERM');
    const times = await Promise.all(sockets.map((socket) => assertClosed(socket, 1001, 'gateway is shutting down')));
    times.sort((a, b) => a - b);
    assert.ok(times.at(-1) - times[0] > 1_000, `all within ${times.at(-1) - times[0]} ms`);
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
  },

  'SIGTERM: the words that the configuration chooses': async (scene) => {
    const pod = await scene.pod();
    const settings = { closes: { shutdown: { code: 4321, reason: 'bis später' } } };
    const gateway = await scene.gateway({ ...upstream([pod.port], settings), shutdown });
    const socket = await open(gateway);
    gateway.signal('SIGTERM');
    await assertClosed(socket, 4321, 'bis später');
    const text = await line(scene);
    assert.match(text, /4321/);
  },

  'SIGTERM: nothing is lost that the pod said before its Close': async (scene) => {
    const pod = await talkingPod(scene, WebSocketServer, { interval: 1 });
    const gateway = await scene.gateway({ ...upstream([pod.port]), shutdown });
    const socket = await open(gateway);
    await until('some messages', () => socket.received.length > 50);
    gateway.signal('SIGTERM');
    await assertClosed(socket, 1001, 'gateway is shutting down');
    await until('the pod has seen it', () => pod.closes.length === 1);
    assert.deepEqual(pod.closes, [{ code: 1001, reason: 'gateway is shutting down' }]);
    assert.deepEqual(socket.received, Array.from({ length: pod.said }, (unused, i) => String(i)));
  },

  'SIGTERM: a client that has stopped reading gets all of it and its Close, when it reads on': async (scene) => {
    const count = 60;
    const pod = await talkingPod(scene, WebSocketServer, { count });
    const gateway = await scene.gateway({ ...upstream([pod.port]), shutdown });
    const socket = await open(gateway);
    socket.pause();
    await until('the gateway has to wait for the client', () => keptBytes(gateway));
    const before = socket.received.length;
    gateway.signal('SIGTERM');
    await gateway.says(/shutting down/);
    // Well beyond the window and the second that a pod has for its answer.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal(socket.received.length, before, 'it has not read');
    assert.equal(gateway.exit, null, 'it is waited for');
    socket.resume();
    await assertClosed(socket, 1001, 'gateway is shutting down');
    assert.equal(socket.received.length, count);
    assert.ok(socket.received.every((data, i) => data.length === 1 << 20 && data[0] === i && data.at(-1) === i));
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
  },

  'a pod that is killed between two frames: 1012': async (scene) => {
    const pod = await scene.pod();
    const gateway = await scene.gateway(upstream([pod.port]));
    const sockets = await openMany(gateway, 10);
    await until('the greetings', () => sockets.every(({ received }) => received.length === 1));
    pod.signal('SIGKILL');
    await Promise.all(sockets.map((socket) => assertClosed(socket, 1012, 'upstream connection lost')));
  },

  'a pod that is killed within a frame: no Close can follow, and the log says so': async (scene) => {
    const pod = await tornPod(scene);
    const gateway = await scene.gateway(upstream([pod.port]));
    const socket = await open(gateway);
    pod.cut();
    await assertClosed(socket, 1006, '');
    const text = await line(scene);
    assert.match(text, /truncated/);
    assert.equal(socket.received.length, 0);
  },

  'an endpoint is drained: its sockets are closed one by one, those of the other stay': async (scene) => {
    const pods = [await scene.pod(), await scene.pod()];
    const gateway = await scene.gateway(upstream(pods.map(({ port }) => port), {
      balance: 'least-connections', drain: { window: '2s', deadline: '20s' },
    }));
    const sockets = await openMany(gateway, 40);
    await until('the greetings', () => sockets.every(({ received }) => received.length === 1));
    const at = (pod) => sockets.filter(({ received }) => received[0].includes(`${pod.pid}.`));
    const [leaving, staying] = pods.map(at);
    assert.equal(leaving.length, 20);
    await drain(pods[0], gateway);
    const times = await Promise.all(leaving.map((socket) => assertClosed(socket, 1012, 'endpoint is leaving')));
    times.sort((a, b) => a - b);
    assert.ok(times.at(-1) - times[0] > 1_000, `all within ${times.at(-1) - times[0]} ms`);
    assert.ok(staying.every(({ readyState }) => readyState === WebSocket.OPEN));
    const socket = await open(gateway);
    await until('its greeting', () => socket.received.length === 1);
    assert.ok(socket.received[0].includes(`${pods[1].pid}.`), 'the other pod has the next one');
  },

  'an endpoint is drained: a client that has stopped reading gets all of it and its Close, when it reads on': async (scene) => {
    const count = 60;
    const pod = await talkingPod(scene, WebSocketServer, { count });
    const other = await scene.pod();
    const gateway = await scene.gateway(upstream([pod.port, other.port], { drain: { window: '500ms', deadline: '20s' } }));
    await gateway.order('endpoint', 'drain', `127.0.0.1:${other.port}`);
    const socket = await open(gateway);
    socket.pause();
    await gateway.order('endpoint', 'undrain', `127.0.0.1:${other.port}`);
    await until('the gateway has to wait for the client', () => keptBytes(gateway));
    await drain(pod, gateway);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    socket.resume();
    await assertClosed(socket, 1012, 'endpoint is leaving');
    assert.equal(socket.received.length, count);
  },

  'an endpoint is drained: a client that reads a little at a time past the deadline gets a clean end': async (scene) => {
    const pod = await talkingPod(scene, WebSocketServer, { count: 60 });
    const other = await scene.pod();
    const gateway = await scene.gateway(upstream([pod.port, other.port], { drain: { window: '500ms', deadline: '2s' } }));
    await gateway.order('endpoint', 'drain', `127.0.0.1:${other.port}`);
    const client = await trickle(gateway.port);
    await gateway.order('endpoint', 'undrain', `127.0.0.1:${other.port}`);
    await until('the gateway has to wait for the client', () => keptBytes(gateway));
    await drain(pod, gateway);
    await until('the pod is let go', () => pod.closes.length === 1);
    const before = client.size();
    assert.equal(await client.ended, 'end of stream');
    assert.ok(client.size() > before, 'what was on its way arrived after that');
    // Whole messages in order, then the Close, or the end in the midst of a message: nothing else can be said there.
    const { frames, rest } = readFrames(client.bytes());
    const messages = frames.filter(({ opcode }) => opcode === 2);
    assert.ok(messages.every(({ payload }, i) => payload.equals(Buffer.alloc(1 << 20, i))));
    const [close, ...more] = frames.slice(messages.length);
    assert.equal(more.length, 0);
    if (close) assert.deepEqual([close.opcode, close.payload.readUInt16BE(0), rest.length], [8, 1012, 0]);
    if (rest.length > 10) assert.ok(rest.subarray(10).equals(Buffer.alloc(rest.length - 10, messages.length)));
    assert.ok(close || rest.length > 0);
  },

  'pusher-js comes back at once after 4200': async (scene) => {
    const seen = await movePusher(scene, kill, { closes: 'pusher' });
    assert.ok(seen.codes.includes(4200), JSON.stringify(seen.codes));
    assert.ok(seen.waited < 900, `after ${seen.waited} ms`);
  },

  'pusher-js comes back after a second where the code is 1012': async (scene) => {
    const seen = await movePusher(scene, kill, {});
    assert.ok(seen.waited >= 990, `after ${seen.waited} ms`);
  },

  'pusher-js whose endpoint is drained comes back at once, too': async (scene) => {
    const seen = await movePusher(scene, drain, { closes: 'pusher', drain: { window: '100ms', deadline: '20s' } });
    assert.ok(seen.codes.includes(4200), JSON.stringify(seen.codes));
    assert.ok(seen.waited < 900, `after ${seen.waited} ms`);
  },
});
