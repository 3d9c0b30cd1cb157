// The running process: what stops it from starting, and what it does at signals.
import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import http from 'node:http';

import { findProgram } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const tidegate = process.env.TIDEGATE_PROGRAM;
const respond = { routes: [{ path: '/', respond: { body: 'hello\n' } }] };

// A request whose answer comes as slowly as its server likes; the agent keeps nothing.
function request(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => { text += bytes; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

const lowestPort = () => Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));

await suite({
  'a port in use: says which, and why': async (scene) => {
    const running = await scene.gateway(respond);
    const [other] = await scene.freePorts(1);
    for (const [port, admin] of [[running.port, other], [other, running.admin]]) {
      const file = scene.configure(respond, [port, admin]);
      const { code, output } = await scene.run([tidegate, '-c', file]);
      assert.equal(code, 1, output);
      assert.match(output, /address (is )?already in use/i);
      assert.ok(output.includes(String(port === running.port ? port : admin)), output);
    }
    assert.equal((await request(running.url)).status, 200, 'the first one goes on');
  },

  'a privileged port: says what is missing': async (scene) => {
    if (lowestPort() <= 80) return console.log('  (every port is free for everybody here: not tried)');
    const root = process.getuid() === 0;
    const setpriv = findProgram('setpriv');
    if (root && !setpriv) return console.log('  (root, and no setpriv to become somebody else: not tried)');
    const [admin] = await scene.freePorts(1);
    const plain = { ...respond, log: { access: false } };
    const file = scene.configure(plain, [lowestPort() - 1, admin]);
    const become = root ? [setpriv, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'] : [];
    const { code, output } = await scene.run([...become, tidegate, '-c', file]);
    assert.equal(code, 1, output);
    assert.match(output, /Permission denied.*CAP_NET_BIND_SERVICE/);
  },

  'a log that cannot be opened': async (scene) => {
    const file = scene.configure({ ...respond, log: { access: { path: '/nowhere/access.log' } } }, await scene.freePorts(2));
    const { code, output } = await scene.run([tidegate, '-c', file]);
    assert.equal(code, 1);
    assert.match(output, /\/nowhere\/access\.log.*does not exist/);
  },

  'SIGUSR1 opens the access log anew': async (scene) => {
    const gateway = await scene.gateway(respond);
    await request(`${gateway.url}/before`);
    await until('the line of /before', () => scene.read('access.log').includes('/before'));
    renameSync(scene.file('access.log'), scene.file('access.log.1'));
    gateway.signal('SIGUSR1');
    await until('a new file', async () => {
      await request(`${gateway.url}/after`);
      return scene.read('access.log').includes('/after');
    });
    assert.ok(!scene.read('access.log').includes('/before'));
  },

  'SIGTERM: not ready, finishes what is in progress, ends with 0': async (scene) => {
    let finish;
    const server = http.createServer(({ url }, response) => {
      if (url !== '/slow') return response.end('quick');
      response.write('first ');
      finish = () => response.end('last');
    });
    const gateway = await scene.gateway({ ...upstream([await scene.listen(server)]), shutdown: { delay: '2s' } });
    const slow = request(`${gateway.url}/slow`);
    await until('the request is in progress', () => finish);
    gateway.signal('SIGTERM');
    await until('/ready says no', async () => (await gateway.get('/ready')).status === 503);
    assert.equal((await gateway.get('/live')).status, 200);
    const another = request(gateway.url);  // within the delay
    await until('it no longer listens', () => request(gateway.url).then(() => false, () => true));
    assert.equal(gateway.exit, null, 'it waits for the answer in progress');
    finish();
    assert.deepEqual(await slow, { status: 200, text: 'first last' });
    assert.equal((await another).status, 200);
    assert.deepEqual(await gateway.wait(5_000), { code: 0, signal: null });
  },

  'SIGTERM twice: ends at once': async (scene) => {
    let asked = false;
    const server = http.createServer(() => { asked = true; });  // never answers
    const gateway = await scene.gateway(upstream([await scene.listen(server)]));
    const slow = request(gateway.url).catch(() => 'cut');
    await until('the request is in progress', () => asked);
    gateway.signal('SIGTERM');
    await gateway.says(/shutting down/);
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.wait(5_000), { code: 0, signal: null });
    assert.match(gateway.output, /second signal/);
    await slow;
  },
});
