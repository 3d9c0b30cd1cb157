// New configurations and commands, by the real program: signals, files that change, the admin socket.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';

import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const tidegate = process.env.TIDEGATE_PROGRAM;
const respond = (body) => ({ routes: [{ path: '/', respond: { body } }] });

function request(url, agent = false) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => { text += bytes; });
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

// Changes the file of a running gateway.
function rewrite(gateway, change) {
  const settings = JSON.parse(readFileSync(gateway.file, 'utf8'));
  writeFileSync(gateway.file, JSON.stringify({ ...settings, ...change }, null, 2));
}

const answers = (gateway, body) => until(`${body} is answered`, async () => await request(gateway.url) === body);

await suite({
  'SIGHUP reads the file anew, on the same connection': async (scene) => {
    const gateway = await scene.gateway(respond('one'));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await request(gateway.url, agent), 'one');
    rewrite(gateway, respond('two'));
    gateway.signal('SIGHUP');
    await gateway.says(/reload: routes: 1 changed \(\/\)/);
    assert.equal(await request(gateway.url, agent), 'two');
    agent.destroy();
  },

  'tidegate reload: what changed, or the faults with their places and status 1': async (scene) => {
    const gateway = await scene.gateway(respond('one'));
    rewrite(gateway, respond('two'));
    const good = await scene.run([tidegate, 'reload', '-c', gateway.file]);
    assert.deepEqual([good.code, good.output], [0, 'routes: 1 changed (/)\n']);
    await answers(gateway, 'two');

    const whole = readFileSync(gateway.file, 'utf8');
    writeFileSync(gateway.file, whole.replace('"routes"', '"roads"'));
    const bad = await scene.run([tidegate, 'reload', '-c', gateway.file]);
    assert.equal(bad.code, 1);
    assert.match(bad.output, new RegExp(`^${gateway.file}:\\d+:\\d+: .*roads`, 'm'));
    await gateway.says(/reload: .*roads/);
    await gateway.says(/the configuration stays as it was/);
    assert.equal(await request(gateway.url), 'two');
    assert.match((await gateway.get('/metrics')).text, /tidegate_config_reloads_total\{result="failure"\} 1\n/);
  },

  'nobody there: says which socket, and what to do': async (scene) => {
    const { code, output } = await scene.run([tidegate, 'reload', '--socket', scene.file('none.sock')]);
    assert.equal(code, 1);
    assert.match(output, /cannot reach the gateway at .*none\.sock: No such file/);
    assert.match(output, /is tidegate running\?/);
  },

  'tidegate status: 0 while it is ready, 1 while it drains, 3 when nobody is there': async (scene) => {
    const server = http.createServer((_, response) => response.end('pod'));
    const port = await scene.listen(server);
    const gateway = await scene.gateway(upstream([port]));
    const status = (...words) => scene.run([tidegate, 'status', ...words, '-c', gateway.file]);
    const ready = await status();
    assert.equal(ready.code, 0, ready.output);
    assert.match(ready.output, /^tidegate \d+\.\d+\.\d+: ready\n\d+ workers?, 0 requests and 0 WebSockets /);
    assert.match(ready.output, /^pods: 1 of 1 endpoint ready, /m);

    server.close();
    server.closeAllConnections();
    await assert.rejects(fetch(`http://127.0.0.1:${port}`));
    // The request finds out that the pod is gone. The gateway is ready still: it takes requests.
    const late = http.get(gateway.url).on('error', () => {});
    await until('the endpoint is out', async () => /0 of 1 endpoint ready/.test((await status()).output));
    late.destroy();
    const alone = await status();
    assert.equal(alone.code, 0);
    assert.match(alone.output, new RegExp(`^  127\\.0\\.0\\.1:${port} unready since .*: .*refused`, 'm'));
    const { code, output } = await status('--json');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(output).endpoints.map(({ state }) => state), ['unready']);

    await gateway.order('drain');
    const draining = await status();
    assert.equal(draining.code, 1);
    assert.match(draining.output, /: not ready: draining$/m);
    gateway.signal('SIGTERM');
    await gateway.wait();
    const gone = await status();
    assert.equal(gone.code, 3);
    assert.match(gone.output, /cannot reach the gateway at .*; is tidegate running\?/);
  },

  'watch: a file that an editor renames over the old one': async (scene) => {
    const gateway = await scene.gateway({ ...respond('one'), watch: true });
    const settings = JSON.parse(readFileSync(gateway.file, 'utf8'));
    writeFileSync(`${gateway.file}.new`, JSON.stringify({ ...settings, ...respond('two') }));
    renameSync(`${gateway.file}.new`, gateway.file);
    await answers(gateway, 'two');
  },

  'watch: a ConfigMap, whose link is moved': async (scene) => {
    const [port, admin] = await scene.freePorts(2);
    const put = (version, body) => {
      const file = scene.configure({ ...respond(body), watch: true }, [port, admin]);
      mkdirSync(scene.file(version));
      renameSync(file, `${scene.file(version)}/tidegate.yaml`);
    };
    put('..1', 'one');
    symlinkSync('..1', scene.file('..data'));
    symlinkSync('..data/tidegate.yaml', scene.file('tidegate.yaml'));
    const program = scene.start('tidegate', [tidegate, '-c', scene.file('tidegate.yaml')]);
    await program.says(/serves with/);
    const gateway = { url: `http://127.0.0.1:${port}` };
    await answers(gateway, 'one');
    for (const [version, body] of [['..2', 'two'], ['..3', 'three']]) {
      put(version, body);
      symlinkSync(version, scene.file('..data_tmp'));
      renameSync(scene.file('..data_tmp'), scene.file('..data'));
      await answers(gateway, body);
    }
  },

  'endpoint drain and undrain': async (scene) => {
    const server = http.createServer((_, response) => response.end('pod'));
    const port = await scene.listen(server);
    const gateway = await scene.gateway(upstream([port]));
    const order = (...words) => scene.run([tidegate, 'endpoint', ...words, '-c', gateway.file]);
    const drained = await order('drain', `127.0.0.1:${port}`);
    assert.equal(drained.code, 0, drained.output);
    assert.match(drained.output, /of pods drains/);
    assert.match((await gateway.get('/endpoints')).text, /draining/);
    assert.equal((await order('undrain', `127.0.0.1:${port}`)).code, 0);
    await answers(gateway, 'pod');
    const unknown = await order('drain', '10.9.9.9:1');
    assert.equal(unknown.code, 1);
    assert.match(unknown.output, /there is no endpoint 10\.9\.9\.9:1/);
  },

  'drain --wait returns when nothing is left; --timeout when the time is over; undrain': async (scene) => {
    let finish;
    const server = http.createServer((_, response) => { finish = () => response.end('last'); });
    const gateway = await scene.gateway(upstream([await scene.listen(server)]));
    const order = (...words) => scene.run([tidegate, ...words, '-c', gateway.file]);
    const slow = request(gateway.url);
    await until('the request is in progress', () => finish);
    const late = await order('drain', '--wait', '--timeout', '300ms');
    assert.equal(late.code, 1);
    assert.match(late.output, /the time is over: 1 requests and 0 WebSockets are left/);
    assert.equal((await gateway.get('/ready')).status, 503);
    const waiting = order('drain', '--wait');
    finish();
    const done = await waiting;
    assert.equal(done.code, 0, done.output);
    assert.match(done.output, /drained: no request and no WebSocket is left/);
    assert.equal(await slow, 'last');
    assert.equal(gateway.exit, null);

    const back = await order('undrain');
    assert.deepEqual([back.code, back.output], [0, 'serving again\n']);
    assert.equal((await gateway.get('/ready')).status, 200);
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.wait(5_000), { code: 0, signal: null });
  },

  'the admin socket: 0600, kept from a second gateway, taken over from a dead one': async (scene) => {
    const gateway = await scene.gateway(respond('one'));
    const socket = JSON.parse(readFileSync(gateway.file, 'utf8')).admin.socket;
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    const [port, admin] = await scene.freePorts(2);
    const file = scene.configure({ ...respond('x'), admin: { address: `127.0.0.1:${admin}`, socket } }, [port, admin]);
    const second = await scene.run([tidegate, '-c', file]);
    assert.equal(second.code, 1);
    assert.ok(second.output.includes(`${socket}: the address is already in use`), second.output);

    gateway.signal('SIGKILL');
    await gateway.wait();
    const third = scene.start('tidegate', [tidegate, '-c', file]);
    await third.says(/serves with/);
    assert.equal((await scene.run([tidegate, 'reload', '-c', file])).code, 0);
  },
});
