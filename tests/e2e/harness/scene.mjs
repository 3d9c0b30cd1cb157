// What an end-to-end test starts, in one place, so that all of it ends with the test: the gateway, socket pods, other
// programs, a folder for their files. Everything listens on free ports of 127.0.0.1.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { findProgram } from './needs.mjs';

const setpriv = findProgram('setpriv');

// Waits until `condition` (which may be async) gives something true, and returns that.
export async function until(what, condition, patience = 10_000) {
  const end = Date.now() + patience;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${patience} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// One running program with its output.
class Program {
  constructor(name, command, options) {
    this.name = name;
    this.output = '';
    this.exit = null;
    // Nothing may outlive a test that is itself killed.
    const guard = setpriv ? [setpriv, '--pdeathsig', 'KILL'] : [];
    const [file, ...args] = [...guard, ...command];
    this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.pid = this.child.pid;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (bytes) => { this.output += bytes; });
    }
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve({ code: 127, signal: null, error }));
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    }).then((exit) => { this.exit = exit; return exit; });
  }

  signal(name) { if (!this.exit) this.child.kill(name); }

  // Waits for the end, at most `patience` milliseconds.
  async wait(patience = 10_000) {
    await until(`${this.name} ends\n${this.output}`, () => this.exit, patience);
    return this.exit;
  }

  async says(pattern, patience = 10_000) {
    return until(`${this.name} says ${pattern}, but it said:\n${this.output}`, () => {
      if (this.exit && !pattern.test(this.output)) throw new Error(`${this.name} ended:\n${this.output}`);
      return this.output.match(pattern);
    }, patience);
  }
}

export class Scene {
  constructor() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'tidegate-e2e-'));
    this.programs = [];
    this.closers = [];
    this.onExit = () => this.killAll();
    process.on('exit', this.onExit);
  }

  killAll() {
    for (const program of this.programs) program.signal('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  // Ends everything that was started, in the opposite order.
  async end() {
    for (const close of this.closers.reverse()) await close();
    for (const program of this.programs.reverse()) {
      program.signal('SIGKILL');
      await program.ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
    process.off('exit', this.onExit);
  }

  file(name, content) {
    const file = path.join(this.folder, name);
    if (content !== undefined) writeFileSync(file, content);
    return file;
  }
  read(name) {
    const file = this.file(name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  start(name, command, options = {}) {
    const program = new Program(name, command, options);
    this.programs.push(program);
    return program;
  }

  // Runs a program to its end; `input` goes to its standard input.
  async run(command, { patience = 30_000, input, ...options } = {}) {
    const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    const program = this.start(path.basename(command[0]), command, { stdio, ...options });
    if (input !== undefined) {
      program.child.stdin.on('error', () => {});
      program.child.stdin.end(input);
    }
    const exit = await program.wait(patience);
    return { ...exit, output: program.output };
  }

  async freePorts(count) {
    const servers = [];
    for (let i = 0; i < count; ++i) {
      const server = net.createServer();
      await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
      servers.push(server);
    }
    const ports = servers.map((server) => server.address().port);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    return ports;
  }

  // Listens with a Node server on a free port and closes it with the scene.
  async listen(server) {
    await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
    this.closers.push(() => new Promise((resolve) => {
      server.closeAllConnections?.();
      server.close(resolve);
    }));
    return server.address().port;
  }

  async pod(...flags) {
    const program = this.start('socket-pod', [process.env.SOCKET_POD_PROGRAM, '--listen', '127.0.0.1:0', ...flags]);
    const [, port] = await program.says(/127\.0\.0\.1:(\d+)/);
    return Object.assign(program, { port: Number(port) });
  }

  // Writes `settings` as the gateway's configuration, with a listener, an admin address and an admin socket unless it
  // names its own.
  configure(settings, [port, admin]) {
    const address = (number) => `127.0.0.1:${number}`;
    const whole = {
      listeners: [{ address: address(port) }],
      admin: { address: address(admin), socket: this.file(`admin-${port}.sock`) },
      log: { access: { path: this.file('access.log') }, error: { path: 'stderr', level: 'info' } },
      ...settings,
    };
    // JSON is YAML.
    return this.file(`gateway-${port}.yaml`, JSON.stringify(whole, null, 2));
  }

  // A running gateway that answers on its admin address.
  async gateway(settings) {
    const [port, admin] = await this.freePorts(2);
    const file = this.configure(settings, [port, admin]);
    const program = this.start('tidegate', [process.env.TIDEGATE_PROGRAM, '-c', file]);
    await program.says(/serves with/);
    const gateway = Object.assign(program, { port, admin, file, url: `http://127.0.0.1:${port}` });
    gateway.get = async (what) => {
      const answer = await fetch(`http://127.0.0.1:${admin}${what}`, { headers: { connection: 'close' } });
      return { status: answer.status, text: await answer.text() };
    };
    // `tidegate WORDS...` to this gateway.
    gateway.order = async (...words) => {
      const { code, output } = await this.run([process.env.TIDEGATE_PROGRAM, ...words, '-c', file]);
      if (code !== 0) throw new Error(`tidegate ${words.join(' ')}: status ${code}\n${output}`);
    };
    await until('the gateway is ready', async () => (await gateway.get('/ready')).status === 200);
    return gateway;
  }
}

// The settings of a gateway with one upstream of these ports for everything.
export function upstream(ports, settings = {}, route = {}) {
  return {
    routes: [{ path: '/', upstream: 'pods', ...route }],
    upstreams: { pods: { endpoints: ports.map((port) => `127.0.0.1:${port}`), ...settings } },
  };
}
