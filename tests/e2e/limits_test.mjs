// The same requests to one nginx worker with limit_req and to two workers of the gateway with the same limit: both have
// to admit, refuse and delay alike.
import assert from 'node:assert/strict';
import http from 'node:http';

import { needProgram } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const nginx = needProgram('nginx');

const rate = 10;
const burst = 5;
const connections = 30;
const seconds = 3;

function nginxConfiguration(scene, port, pod, mode) {
  const user = process.getuid() === 0 ? 'user root;' : '';
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${scene.file(kind)};`).join('\n  ');
  return `${user}
daemon off;
pid ${scene.file('nginx.pid')};
error_log ${scene.file('nginx-error.log')};
master_process off;
worker_processes 1;
events { worker_connections 500; }
http {
  access_log off;
  ${folders}
  limit_req_zone $binary_remote_addr zone=clients:1m rate=${rate}r/s;
  limit_req_status 429;
  server {
    listen 127.0.0.1:${port};
    location / { limit_req zone=clients burst=${burst} ${mode}; proxy_pass http://127.0.0.1:${pod}; }
  }
}
`;
}

// Both hops in front of the same server, and connections to each that stay open.
async function hops(scene, mode, requests) {
  const pod = await scene.listen(http.createServer((request, response) => response.end('x')));
  const [port] = await scene.freePorts(1);
  const file = scene.file('nginx.conf', nginxConfiguration(scene, port, pod, mode));
  scene.start('nginx', [nginx, '-p', scene.folder, '-e', scene.file('nginx-error.log'), '-c', file]);
  const gateway = await scene.gateway({
    workers: 2,
    limits: { clients: { requests } },
    ...upstream([pod], {}, { limits: ['clients'] }),
  });
  const hop = (hopPort) => {
    const agents = Array.from({ length: connections }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    scene.closers.push(async () => agents.forEach((agent) => agent.destroy()));
    return { port: hopPort, agents };
  };
  const both = { nginx: hop(port), tidegate: hop(gateway.port) };
  await until('nginx answers', async () => (await ask(both.nginx, 0).catch(() => null)) !== null);
  await ask(both.tidegate, 0);
  return both;
}

function ask(hop, connection) {
  const began = performance.now();
  const agent = hop.agents[connection % connections];
  return new Promise((resolve, reject) => {
    http.get({ port: hop.port, host: '127.0.0.1', path: '/', agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({
        status: answer.statusCode,
        after: answer.headers['retry-after'],
        time: performance.now() - began,
      }));
      answer.on('error', reject);
    }).on('error', reject);
  });
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const count = (answers, status) => answers.filter((answer) => answer.status === status).length;

// The buckets of both are empty again after the questions of `hops`.
const emptied = () => pause((burst + 2) * 1000 / rate);

await suite({
  'a burst without delay, then the rate': async (scene) => {
    const both = await hops(scene, 'nodelay', { rate: `${rate}/s`, burst, noDelay: true });
    await emptied();
    const answers = { nginx: [], tidegate: [] };
    const began = performance.now();
    for (let i = 0; performance.now() - began < seconds * 1000; ++i) {
      for (const name of ['nginx', 'tidegate']) answers[name].push(ask(both[name], i));
      await pause(8);
    }
    const passed = (performance.now() - began) / 1000;
    const admitted = {};
    for (const name of ['nginx', 'tidegate']) {
      const all = await Promise.all(answers[name]);
      admitted[name] = count(all, 200);
      assert.equal(admitted[name] + count(all, 429), all.length);
      if (name === 'tidegate') assert.ok(all.every(({ status, after }) => status === 200 || after === '1'));
    }
    console.log(`  in ${passed.toFixed(2)} s nginx admitted ${admitted.nginx}, tidegate ${admitted.tidegate}`);
    assert.ok(Math.abs(admitted.nginx - admitted.tidegate) <= 2, JSON.stringify(admitted));
    assert.ok(Math.abs(admitted.tidegate - (1 + burst + rate * passed)) <= 3, JSON.stringify(admitted));
  },

  'a burst that is delayed': async (scene) => {
    const both = await hops(scene, '', { rate: `${rate}/s`, burst });
    await emptied();
    const [ofNginx, ofTidegate] = await Promise.all([both.nginx, both.tidegate].map(
      (hop) => Promise.all(Array.from({ length: connections }, (_, i) => ask(hop, i)))));
    for (const all of [ofNginx, ofTidegate]) {
      assert.equal(count(all, 200), 1 + burst);
      assert.equal(count(all, 429), connections - 1 - burst);
    }
    const slowest = (all) => Math.max(...all.filter(({ status }) => status === 200).map(({ time }) => time));
    console.log(`  the last came after ${slowest(ofNginx).toFixed(0)} ms from nginx, after ` +
      `${slowest(ofTidegate).toFixed(0)} ms from tidegate`);
    const due = burst * 1000 / rate;
    for (const all of [ofNginx, ofTidegate]) assert.ok(slowest(all) > due - 60);
    assert.ok(Math.abs(slowest(ofNginx) - slowest(ofTidegate)) < 200);
  },
});
