// The PROXY protocol between the gateway and the programs that speak it most: HAProxy before and behind it, nginx
// behind it.
import assert from 'node:assert/strict';

import { findProgram, needProgram } from './harness/needs.mjs';
import { until } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const haproxy = needProgram('haproxy');
const nginx = findProgram('nginx');

const defaults = `
global
  maxconn 100
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
`;

// Answers with the address that the PROXY protocol has named to it.
async function startHaproxyBehind(scene) {
  const [port] = await scene.freePorts(1);
  const file = scene.file('behind.cfg', `${defaults}
frontend behind
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] to %[dst]:%[dst_port]"
`);
  scene.start('haproxy', [haproxy, '-db', '-f', file]);
  return port;
}

async function startNginxBehind(scene) {
  const [port] = await scene.freePorts(1);
  const file = scene.file('nginx.conf', `
daemon off; master_process off; pid ${scene.file('nginx.pid')}; error_log stderr; events {}
http { access_log off; client_body_temp_path ${scene.file('body')}; proxy_temp_path ${scene.file('proxy')};
  fastcgi_temp_path ${scene.file('fastcgi')}; uwsgi_temp_path ${scene.file('uwsgi')};
  scgi_temp_path ${scene.file('scgi')};
  server { listen 127.0.0.1:${port} proxy_protocol; return 200 "$proxy_protocol_addr:$proxy_protocol_port"; } }
`);
  scene.start('nginx', [nginx, '-c', file]);
  return port;
}

// Passes connections on to the gateway, with checks of its own.
async function startHaproxyBefore(scene, gateway, options) {
  const [port] = await scene.freePorts(1);
  const file = scene.file(`before-${port}.cfg`, `${defaults.replace('mode http', 'mode tcp')}
listen before
  bind 127.0.0.1:${port}
  server gateway 127.0.0.1:${gateway.port} ${options} check check-send-proxy inter 100ms
`);
  scene.start('haproxy', [haproxy, '-db', '-f', file]);
  return port;
}

// The text of an answer once there is one.
async function textOf(url) {
  let text;
  await until(`an answer of ${url}`, async () => {
    const answer = await fetch(url, { headers: { connection: 'close' } }).catch(() => null);
    text = answer?.status === 200 ? await answer.text() : undefined;
    return text !== undefined;
  });
  return text;
}

async function startGateway(scene, endpoint, version) {
  const [port, admin] = await scene.freePorts(2);
  const file = scene.configure({
    listeners: [{ address: `127.0.0.1:${port}`, proxyProtocol: { from: ['127.0.0.0/8'] } }],
    upstreams: {
      pods: {
        endpoints: [`127.0.0.1:${endpoint}`], proxyProtocol: version,
        readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1 },
      },
    },
  }, [port, admin]);
  const program = scene.start('tidegate', [process.env.TIDEGATE_PROGRAM, '-c', file]);
  await program.says(/serves with/);
  return Object.assign(program, { port, admin });
}

const steps = {};
for (const [name, options] of [
  ['version 1', 'send-proxy'],
  ['version 2', 'send-proxy-v2'],
  ['version 2 with a checksum and other extensions', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'],
]) {
  for (const version of ['v1', 'v2']) {
    steps[`from HAProxy in ${name}, to HAProxy in ${version}`] = async (scene) => {
      const gateway = await startGateway(scene, await startHaproxyBehind(scene), version);
      const before = await startHaproxyBefore(scene, gateway, options);
      assert.match(await textOf(`http://127.0.0.1:${before}/`), new RegExp(`^127\\.0\\.0\\.1:\\d+ to 127\\.0\\.0\\.1:${before}$`));
      const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
      assert.match(metrics, /tidegate_connections_refused_total\{reason="header_malformed"\} 0/);
    };
  }
}
if (nginx) {
  for (const version of ['v1', 'v2']) {
    steps[`to nginx in ${version}`] = async (scene) => {
      const gateway = await startGateway(scene, await startNginxBehind(scene), version);
      const before = await startHaproxyBefore(scene, gateway, 'send-proxy');
      assert.match(await textOf(`http://127.0.0.1:${before}/`), /^127\.0\.0\.1:\d+$/);
    };
  }
} else {
  console.log('skipped  to nginx: it is not installed');
}

await suite(steps);
