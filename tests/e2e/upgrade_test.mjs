// Another process takes over from a running gateway, by the real program and with real sockets.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

import { Authority } from './harness/certificates.mjs';
import { needPackage } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const { WebSocket } = needPackage('ws');
const tidegate = process.env.TIDEGATE_PROGRAM;

// `tidegate upgrade`; what has taken over ends with the scene.
async function upgrade(scene, gateway, program = []) {
  const { code, output } = await scene.run([tidegate, 'upgrade', '-c', gateway.file, ...program], { patience: 90_000 });
  const successor = Number(output.match(/process (\d+) has taken over/)?.[1] ?? 0);
  if (successor) scene.closers.push(() => { try { process.kill(successor, 'SIGKILL'); } catch { /* has ended */ } });
  return { code, output, successor, moved: Number(output.match(/with (\d+) WebSockets/)?.[1] ?? 0) };
}

// Not one that has ended and whose parent has not asked how.
const isAlive = (pid) => {
  try { return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
};
const ends = (pid) => until(`process ${pid} ends`, () => !isAlive(pid), 30_000);

// A socket that sends the next number a moment after the last one has come back.
class Echoing {
  constructor(gateway) {
    this.socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/app/key`, { perMessageDeflate: false });
    this.next = 0;
    this.wrong = [];
    this.socket.on('message', (data) => {
      if (!this.greeted) {
        this.greeted = true;  // the pod speaks first
        this.socket.send('0');
        return;
      }
      if (data.toString() !== String(this.next)) this.wrong.push(data.toString());
      ++this.next;
      // Not at once: this process has to live with a thousand of them.
      setTimeout(() => { if (!this.code) this.socket.send(String(this.next)); }, 50);
    });
    this.socket.on('close', (code) => { this.code = code; });
    this.socket.on('error', (error) => { this.error = error; });
  }
  async begin() { await once(this.socket, 'open'); }
}

async function echoing(gateway, count) {
  const sockets = [];
  for (let i = 0; i < count; i += 50) {
    const some = Array.from({ length: Math.min(50, count - i) }, () => new Echoing(gateway));
    await Promise.all(some.map((socket) => socket.begin()));
    sockets.push(...some);
  }
  return sockets;
}

const progress = (sockets) => {
  const before = sockets.map((socket) => socket.next);
  return until('every socket echoes', () => sockets.every((socket, i) => socket.next > before[i] + 1));
};

function assertWhole(sockets) {
  assert.deepEqual(sockets.filter((socket) => socket.code || socket.error || socket.wrong.length).map(
    ({ code, error, wrong }) => ({ code, error: error?.message, wrong })), []);
}

// Handshakes on new connections until the result is called: how many, and what went wrong.
function newcomers(gateway) {
  const seen = { count: 0, faults: [], stopped: false };
  const one = () => new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/app/key`);
    socket.on('open', () => { ++seen.count; socket.close(); resolve(); });
    socket.on('error', (error) => { seen.faults.push(error.message); resolve(); });
  });
  const work = Array.from({ length: 4 }, async () => { while (!seen.stopped) await one(); });
  return async () => { seen.stopped = true; await Promise.all(work); return seen; };
}

// A program that takes the place of the gateway's: a script.
function script(scene, name, text) {
  const file = scene.file(name, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

async function sceneOf(scene, settings = {}) {
  const pods = [await scene.pod(), await scene.pod()];
  return scene.gateway({ ...upstream(pods.map(({ port }) => port)), workers: 2, ...settings });
}

// A pod and a client of plain bytes behind a handshake; what each has got is hashed.
async function plainPod(scene, delay = 0) {
  const pod = { sockets: [], asked: 0 };
  const server = http.createServer();
  server.on('upgrade', async (request, socket) => {
    ++pod.asked;
    socket.on('error', () => {});
    await new Promise((resolve) => setTimeout(resolve, delay));
    const accept = crypto.createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      + `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    pod.sockets.push(socket);
  });
  pod.port = await scene.listen(server);
  scene.closers.push(() => pod.sockets.forEach((socket) => socket.destroy()));
  return pod;
}

async function plainClient(gateway) {
  const socket = net.connect(gateway.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`);
  let head = Buffer.alloc(0);
  while (!head.includes('\r\n\r\n')) {
    const bytes = socket.read();
    if (bytes) head = Buffer.concat([head, bytes]);
    else await once(socket, 'readable');
  }
  return socket;
}

// A frame of random bytes as a server or, masked with zeros, as a client sends it.
function frameOf(size, masked) {
  const head = Buffer.alloc(masked ? 14 : 10);
  head[0] = 0x82;
  head[1] = 127 | (masked ? 0x80 : 0);
  head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, crypto.randomBytes(size)]);
}

const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

// Reads `size` bytes.
async function readBytes(socket, size) {
  const parts = [];
  let count = 0;
  while (count < size) {
    const bytes = socket.read(Math.min(size - count, socket.readableLength || 1));
    if (bytes) {
      parts.push(bytes);
      count += bytes.length;
    } else {
      await once(socket, 'readable');
    }
  }
  return Buffer.concat(parts);
}

await suite({
  '1,000 live sockets over five upgrades: none closed, every echo in order, no newcomer refused': async (scene) => {
    const gateway = await sceneOf(scene);
    const sockets = await echoing(gateway, 1000);
    await progress(sockets);
    const stop = newcomers(gateway);
    let before = gateway.pid;
    for (let i = 0; i < 5; ++i) {
      const { code, output, successor, moved } = await upgrade(scene, gateway);
      assert.equal(code, 0, output);
      assert.ok(moved >= 990, output);
      await progress(sockets);
      await ends(before);
      before = successor;
    }
    const seen = await stop();
    assertWhole(sockets);
    assert.deepEqual(seen.faults, []);
    assert.ok(seen.count > 50, `${seen.count} newcomers`);
    console.log(`         ${seen.count} newcomers, ${sockets.reduce((sum, { next }) => sum + next, 0)} echoes`);
    assert.equal(gateway.child.exitCode, 0);
    assert.equal((await gateway.get('/ready')).status, 200);
  },

  'half a frame pending, full buffers, workers 2, 1 and 2 again: both streams are the same on both ends': async (scene) => {
    const pod = await plainPod(scene);
    const gateway = await scene.gateway({ ...upstream([pod.port]), workers: 2 });
    const client = await plainClient(gateway);
    await until('the pod', () => pod.sockets.length === 1);
    const [server] = pod.sockets;
    const down = frameOf(32 << 20, false);
    const up = frameOf(32 << 20, true);
    // Nobody reads yet: the sockets fill up, and what is left over waits in the gateway.
    const half = down.length >> 1;
    server.write(down.subarray(0, half));
    client.write(up.subarray(0, half));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const parts = { down: [], up: [] };
    for (const workers of [1, 2]) {
      const settings = { ...upstream([pod.port]), workers };
      scene.configure(settings, [gateway.port, gateway.admin]);
      const { code, output, moved } = await upgrade(scene, gateway);
      assert.equal(code, 0, output);
      assert.equal(moved, 1, output);
      parts.down.push(await readBytes(client, 1 << 20));
      parts.up.push(await readBytes(server, 1 << 20));
    }
    server.write(down.subarray(half));
    client.write(up.subarray(half));
    const left = (whole) => whole.length - (2 << 20);
    const [restDown, restUp] = await Promise.all([readBytes(client, left(down)), readBytes(server, left(up))]);
    assert.equal(digest(Buffer.concat([...parts.down, restDown])), digest(down));
    assert.equal(digest(Buffer.concat([...parts.up, restUp])), digest(up));
    client.destroy();
  },

  'a program that cannot take over: the old process goes on, and says why': async (scene) => {
    const gateway = await sceneOf(scene);
    const sockets = await echoing(gateway, 20);
    const programs = {
      'is not there': [scene.file('none'), /cannot start .*none: No such file or directory/],
      'ends at once': [script(scene, 'ends', 'exit 3'), /the other process (has ended|is gone).*; it ended with status 3/],
      'is killed': [script(scene, 'killed', 'kill -9 $$'), /; it was ended by signal 9/],
      'talks nonsense': [script(scene, 'nonsense', 'echo nonsense >&3; sleep 1'), /does not speak as a gateway does/],
    };
    for (const [what, [program, words]] of Object.entries(programs)) {
      const { code, output } = await upgrade(scene, gateway, [program]);
      assert.equal(code, 1, what);
      assert.match(output, words);
      await progress(sockets);
    }
    const falseSuccessor = path.join(path.dirname(tidegate), 'false-successor');
    for (const [step, words] of Object.entries({
      hello: /; it ended with status 7/,
      format: /hands over in another form/,
      inventory: /; it ended with status 7/,
      ready: /; it ended with status 7/,
      tunnels: /; it ended with status 7/,
      taken: /; it ended with status 7/,
      'taken hang': /was not heard of in time/,
      count: /does not answer for each WebSocket/,
      commit: /; it ended with status 7/,
      'commit hang': /was not heard of in time/,
      committed: /; it ended with status 7/,
    })) {
      const program = script(scene, `false-${step}`, `exec ${falseSuccessor} ${step}`);
      const { code, output } = await upgrade(scene, gateway, [program]);
      assert.equal(code, 1, `${step}: ${output}`);
      assert.match(output, words, step);
      await progress(sockets);
    }
    assertWhole(sockets);
    await gateway.says(/upgrade failed, this process goes on/);
    const { code, output } = await upgrade(scene, gateway);
    assert.equal(code, 0, output);
    await progress(sockets);
    assertWhole(sockets);
  },

  'a configuration that is faulty by now: its faults are the answer': async (scene) => {
    const gateway = await sceneOf(scene);
    const sockets = await echoing(gateway, 5);
    scene.file(`gateway-${gateway.port}.yaml`, '{ "roads": [] }');
    const { code, output } = await upgrade(scene, { ...gateway, file: gateway.file }, ['--socket',
      scene.file(`admin-${gateway.port}.sock`)]);
    assert.equal(code, 1);
    assert.match(output, /gateway-\d+\.yaml:1:\d+: .*roads/);
    await progress(sockets);
    assertWhole(sockets);
  },

  'handshakes that are under way come after it': async (scene) => {
    const pod = await plainPod(scene, 700);
    const gateway = await scene.gateway({ ...upstream([pod.port]), shutdown: { window: '2s', deadline: '10s' } });
    const clients = Array.from({ length: 20 }, () => plainClient(gateway));
    await until('all to be under way', () => pod.asked === 20);
    const { code, output, moved } = await upgrade(scene, gateway);
    assert.equal(code, 0, output);
    assert.equal(moved, 0, output);
    const sockets = await Promise.all(clients);
    await ends(gateway.pid);
    const word = frameOf(70_000, false);
    for (const socket of pod.sockets) socket.write(word);
    for (const socket of sockets) assert.deepEqual(await readBytes(socket, word.length), word);
    sockets.forEach((socket) => socket.destroy());
  },

  'what fails late in the new process leaves the old one its Unix sockets': async (scene) => {
    const pod = await scene.pod();
    const listeners = [{ address: `unix:${scene.file('front.sock')}` }];
    const ports = await scene.freePorts(2);
    scene.configure({ ...upstream([pod.port]), listeners }, ports);
    const file = scene.file(`gateway-${ports[0]}.yaml`);
    const program = scene.start('tidegate', [tidegate, '-c', file]);
    await program.says(/serves with/);
    scene.configure({ ...upstream([pod.port]), listeners: [...listeners, { address: `127.0.0.1:${pod.port}` }] }, ports);
    for (let i = 0; i < 2; ++i) {
      const { code, output } = await upgrade(scene, { file });
      assert.equal(code, 1, output);
      assert.match(output, new RegExp(`cannot listen on 127.0.0.1:${pod.port}`));
    }
    await new Promise((resolve, reject) => {
      http.get({ socketPath: scene.file('front.sock'), path: '/' }, (answer) => { answer.resume(); resolve(); })
        .on('error', reject);
    });
  },

  'WebSockets under TLS stay, count at their pod, and get their Close; their clients come back to the new process':
    async (scene) => {
      const ca = new Authority(scene);
      const pod = await scene.pod();
      const [plain, secure] = await scene.freePorts(2);
      const gateway = await scene.gateway({
        ...upstream([pod.port]),
        listeners: [{ address: `127.0.0.1:${plain}` }, { address: `127.0.0.1:${secure}`, tls: ca.issue(['localhost']) }],
        shutdown: { window: '6s', deadline: '20s' },
      });
      gateway.port = plain;
      const under = async () => {
        const socket = new WebSocket(`wss://localhost:${secure}/app/key`, { ca: readFileSync(ca.certificate) });
        socket.end = once(socket, 'close');
        await once(socket, 'open');
        return socket;
      };
      const sockets = await Promise.all(Array.from({ length: 6 }, under));
      const [clear] = await echoing(gateway, 1);
      const { code, output } = await upgrade(scene, gateway, ['--socket', scene.file(`admin-${gateway.file.match(/(\d+)\.yaml/)[1]}.sock`)]);
      assert.equal(code, 0, output);
      assert.match(output, /has taken over with 1 WebSockets/);
      const active = async () => Number((await gateway.get('/endpoints')).text.match(/"active":\s*(\d+)/)[1]);
      await until('those that stayed count in the new process', async () => await active() > 1);
      for (const socket of sockets) {
        const [code, reason] = await socket.end;
        assert.deepEqual([code, reason.toString()], [1001, 'gateway is shutting down']);
      }
      await ends(gateway.pid);
      await until('they no longer count', async () => await active() === 1);
      const again = await under();
      await progress([clear]);
      assertWhole([clear]);
      again.terminate();
    },

  'as process 1 of its container it refuses, and says what to do instead': async (scene) => {
    const container = ['unshare', '--pid', '--fork', '--kill-child'];
    if ((await scene.run([...container, 'true'])).code !== 0) return console.log('         (not possible for this user)');
    const pod = await scene.pod();
    const ports = await scene.freePorts(2);
    const file = scene.configure(upstream([pod.port]), ports);
    const program = scene.start('tidegate', [...container, tidegate, '-c', file]);
    await program.says(/serves with/);
    const { code, output } = await upgrade(scene, { file });
    assert.equal(code, 1);
    assert.match(output, /this is process 1 of its container, which ends with it: replace the container instead/);
  },

  'SIGUSR2 upgrades too': async (scene) => {
    const gateway = await sceneOf(scene);
    const sockets = await echoing(gateway, 10);
    gateway.signal('SIGUSR2');
    const [, pid] = await gateway.says(/upgrade: process (\d+) has taken over with 10 WebSockets/);
    scene.closers.push(() => { try { process.kill(Number(pid), 'SIGKILL'); } catch { /* has ended */ } });
    await ends(gateway.pid);
    await progress(sockets);
    assertWhole(sockets);
  },
}, undefined, 180_000);
