// What systemd sees of the real program, without a systemd that runs: what it is told, the sockets it hands over, and
// the unit files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { findProgram, needProgram } from './harness/needs.mjs';
import { until } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const tidegate = process.env.TIDEGATE_PROGRAM;
const python = needProgram('python3');
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const harness = (name) => path.join(here, 'harness', name);
const units = path.join(here, '../../examples/systemd');
const respond = (body, more = {}) => ({ routes: [{ path: '/', respond: { body } }], ...more });

function request(where) {
  return new Promise((resolve, reject) => {
    http.get({ agent: false, host: '127.0.0.1', ...where }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => { text += bytes; });
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

// A manager that listens for notifications at `name`.
async function manager(scene, name) {
  const program = scene.start('manager', [python, harness('notify_socket.py'), name]);
  await program.says(/listening/);
  const heard = () => program.output.split('\n').filter((line) => line.startsWith('"')).map((line) => JSON.parse(line));
  return {
    heard,
    hears: (what, after = 0) => until(`the manager hears ${what}; it heard:\n${program.output}`, () => {
      return heard().slice(after).find((message) => message.match(what));
    }),
  };
}

// The gateway with variables of a manager.
function startNotifying(scene, file, environment) {
  const env = { ...process.env, ...environment };
  return scene.start('tidegate', [tidegate, '-c', file], { env });
}

// The gateway behind a launcher that hands these sockets over.
async function startActivated(scene, addresses, file, become = []) {
  const program = scene.start('tidegate', [python, harness('activate.py'), ...addresses, '--', ...become, tidegate, '-c', file]);
  await program.says(/serves with/);
  return program;
}

// What is open of a process: the links of its descriptors.
const socketsOf = (pid) => execFileSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' });

await suite({
  'start, reloads by signal and command, and the end are told, at a path and an abstract name': async (scene) => {
    for (const name of [scene.file('notify'), `@tidegate-e2e-${process.pid}`]) {
      const systemd = await manager(scene, name);
      const [port, admin] = await scene.freePorts(2);
      const file = scene.configure(respond('one', { workers: 2 }), [port, admin]);
      const gateway = startNotifying(scene, file, { NOTIFY_SOCKET: name });
      await systemd.hears(/^READY=1\nSTATUS=serving with 2 workers$/);
      assert.equal(await request({ port }), 'one', 'it listens once it says so');

      const before = process.hrtime.bigint() / 1000n;  // CLOCK_MONOTONIC, as systemd's
      gateway.signal('SIGHUP');
      const reloading = await systemd.hears(/^RELOADING=1\n/);
      const at = BigInt(reloading.match(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/)[1]);
      assert.ok(at >= before && at <= process.hrtime.bigint() / 1000n, reloading);
      await systemd.hears(/^READY=1\n/, 2);

      // A faulty file: the command fails, and the reload is over for the manager, too.
      writeFileSync(file, readFileSync(file, 'utf8').replace('"routes"', '"roads"'));
      const failed = await scene.run([tidegate, 'reload', '-c', file]);
      assert.equal(failed.code, 1);
      await systemd.hears(/^READY=1\nSTATUS=serving with 2 workers; .*last reload failed: .*roads/, 4);

      gateway.signal('SIGTERM');
      assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
      await systemd.hears(/^STOPPING=1\nSTATUS=shutting down/);
      const kinds = systemd.heard().map((message) => message.split('=')[0]);
      assert.deepEqual(kinds.filter((kind) => kind !== 'STATUS'),
        ['READY', 'RELOADING', 'READY', 'RELOADING', 'READY', 'STOPPING']);
    }
  },

  'the watchdog hears signs of life often enough, but not those meant for another process': async (scene) => {
    const systemd = await manager(scene, scene.file('notify'));
    const environment = { NOTIFY_SOCKET: scene.file('notify'), WATCHDOG_USEC: '300000' };
    const ports = await scene.freePorts(2);
    const file = scene.configure(respond('one'), ports);
    const alive = startNotifying(scene, file, environment);
    const signs = () => systemd.heard().filter((message) => message === 'WATCHDOG=1').length;
    await until('five signs of life', () => signs() >= 5, 3_000);
    // A control thread that stands still gives none.
    alive.signal('SIGSTOP');
    await until('it stops', () => /State:\s+T/.test(readFileSync(`/proc/${alive.pid}/status`, 'utf8')));
    alive.signal('SIGKILL');
    await alive.wait();

    const before = systemd.heard().length;
    const other = startNotifying(scene, file, { ...environment, WATCHDOG_PID: '1' });
    await systemd.hears(/^READY=1/, before);
    other.signal('SIGTERM');
    await systemd.hears(/^STOPPING=1/, before);  // the first sign would come with READY
    assert.ok(!systemd.heard().slice(before).includes('WATCHDOG=1'));
  },

  'a manager that is not there does not matter': async (scene) => {
    const [port, admin] = await scene.freePorts(2);
    const file = scene.configure(respond('one'), [port, admin]);
    const gateway = startNotifying(scene, file, { NOTIFY_SOCKET: scene.file('nowhere') });
    await gateway.says(/the service manager at unix:.*nowhere cannot be told: No such file/);
    assert.equal(await request({ port }), 'one');
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
  },

  'sockets that are handed over: used by address, others closed with a warning': async (scene) => {
    const [port, admin, unwanted, udp] = await scene.freePorts(4);
    const socket = scene.file('socket');
    const listeners = [{ address: `127.0.0.1:${port}` }, { address: `unix:${socket}` }];
    const file = scene.configure(respond('one', { listeners, workers: 3 }), [port, admin]);
    const at = (number) => `127.0.0.1:${number}`;
    const gateway = await startActivated(scene, [at(unwanted), socket, `udp:${at(udp)}`, at(port)], file);
    await gateway.says(new RegExp(`a socket was handed over for ${at(unwanted)}, where no listener is`));
    await gateway.says(new RegExp(`descriptor 5 .* is closed, since it is ${at(udp)}, which is no stream socket`));
    for (let i = 0; i < 20; ++i) {
      assert.equal(await request({ port }), 'one');
      assert.equal(await request({ socketPath: socket }), 'one');
    }
    await assert.rejects(request({ port: unwanted }), /ECONNREFUSED/);
    gateway.signal('SIGHUP');
    await gateway.says(/reload: /);
    assert.equal(await request({ port }), 'one');
    gateway.signal('SIGTERM');
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
    assert.ok(statSync(socket).isSocket(), 'the file is not the gateway\'s');
  },

  'with SO_REUSEPORT each worker gets a queue, without it there is one': async (scene) => {
    for (const [prefix, expected] of [['reuse:', 3], ['', 1]]) {
      const [port, admin] = await scene.freePorts(2);
      const file = scene.configure(respond('one', { workers: 3 }), [port, admin]);
      await startActivated(scene, [`${prefix}127.0.0.1:${port}`], file);
      for (let i = 0; i < 20; ++i) assert.equal(await request({ port }), 'one');
      const hex = port.toString(16).toUpperCase().padStart(4, '0');
      const queues = readFileSync('/proc/net/tcp', 'utf8').split('\n')
        .filter((line) => new RegExp(`^\\s*\\d+: 0100007F:${hex} \\S+ 0A`).test(line));
      assert.equal(queues.length, expected);
    }
  },

  'sockets of another process are left alone': async (scene) => {
    const [port, admin] = await scene.freePorts(2);
    const file = scene.configure(respond('one'), [port, admin]);
    const gateway = startNotifying(scene, file, { LISTEN_PID: '1', LISTEN_FDS: '3' });
    await gateway.says(/serves with/);
    assert.equal(await request({ port }), 'one');
    assert.doesNotMatch(gateway.output, /handed over/);
  },

  'fewer sockets than promised': async (scene) => {
    const [port, admin] = await scene.freePorts(2);
    const file = scene.configure(respond('one'), [port, admin]);
    const shell = 'LISTEN_PID=$$ LISTEN_FDS=7 exec "$0" -c "$1"';
    const gateway = scene.start('tidegate', ['/bin/sh', '-c', shell, tidegate, file]);
    await gateway.says(/LISTEN_FDS says 7, but only 0 descriptors were handed over/);
    await gateway.says(/serves with/);
    assert.equal(await request({ port }), 'one');
  },

  'a port below 1024 without any privilege': async (scene) => {
    const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    const setpriv = findProgram('setpriv');
    if (lowest <= 80 || process.getuid() !== 0 || !setpriv)
      return console.log('  (needs root, setpriv, and ports that are privileged: not tried)');
    const [admin] = await scene.freePorts(1);
    const port = lowest - 2;
    const file = scene.configure(respond('one', { workers: 2, log: { access: false, error: { path: 'stderr', level: 'info' } } }),
      [port, admin]);
    const become = [setpriv, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
    // Further sockets for the second worker may not be opened: it accepts from the same one.
    const gateway = await startActivated(scene, [`reuse:127.0.0.1:${port}`], file, become);
    for (let i = 0; i < 10; ++i) assert.equal(await request({ port }), 'one');
    assert.match(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'), /CapEff:\s+0+\n/);
  },

  'systemd-socket-activate starts it at the first connection': async (scene) => {
    const activate = findProgram('systemd-socket-activate');
    if (!activate) return console.log('  (not here, package systemd: not tried)');
    const [port, admin] = await scene.freePorts(2);
    const file = scene.configure(respond('one', { workers: 2 }), [port, admin]);
    const gateway = scene.start('tidegate', [activate, '-l', `127.0.0.1:${port}`, tidegate, '-c', file]);
    await gateway.says(/Listening on/);
    assert.equal(await request({ port }), 'one');  // waited in the queue until it was there
    assert.equal(await request({ port }), 'one');
    assert.match(socketsOf(gateway.pid), / 3 -> socket/);
    assert.doesNotMatch(gateway.output, /handed over/);
  },

  'the unit files are valid for the systemd that is here': async (scene) => {
    const analyze = findProgram('systemd-analyze');
    if (!analyze) return console.log('  (no systemd-analyze, package systemd: not tried)');
    // The program and its manual are where they were built, not where a package puts them.
    const put = (name) => scene.file(name, readFileSync(path.join(units, name), 'utf8')
      .replaceAll('/usr/bin/tidegate', tidegate).replace(/^(User|Group)=.*$/gm, '').replace(/^Documentation=.*$/m, ''));
    const service = put('tidegate.service');
    const verify = async (...files) => {
      const { code, output } = await scene.run([analyze, 'verify', '--man=no', ...files]);
      // Units of this machine that it reads along have faults of their own.
      return { code, faults: output.split('\n').filter((line) => line.includes(scene.folder) || line.startsWith('tidegate')) };
    };
    const alone = await verify(service);
    assert.deepEqual(alone.faults, []);
    assert.deepEqual((await verify(put('tidegate.socket'), service)).faults, []);
    const version = Number(execFileSync(analyze, ['--version'], { encoding: 'utf8' }).match(/systemd (\d+)/)[1]);
    mkdirSync(scene.file('tidegate.service.d'));
    put('notify-reload.conf');
    writeFileSync(scene.file('tidegate.service.d/notify-reload.conf'), scene.read('notify-reload.conf'));
    const { faults } = await verify(service);
    if (version >= 253) return assert.deepEqual(faults, []);
    assert.ok(faults.every((fault) => fault.includes('notify-reload')), faults.join('\n'));
    console.log(`  (systemd ${version} has no notify-reload: only the rest of that file was looked at)`);
  },
});
