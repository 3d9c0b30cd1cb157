// curl through the gateway: methods, framings, connections, and the gateway's own answers.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { existsSync } from 'node:fs';
import http from 'node:http';
import { networkInterfaces } from 'node:os';

import { needProgram } from './harness/needs.mjs';
import { upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const curl = needProgram('curl');

// A server that says what it received; `/sum` adds the length and digest of the body.
function describingServer() {
  const server = http.createServer((request, response) => {
    const digest = crypto.createHash('sha256');
    let length = 0;
    request.on('data', (bytes) => { length += bytes.length; digest.update(bytes); });
    request.on('end', () => {
      const text = JSON.stringify({
        method: request.method, url: request.url, version: request.httpVersion, headers: request.headers,
        length, digest: digest.digest('hex'), continued: request.continued ?? false,
      });
      if (request.url === '/chunked') {
        response.write(text.slice(0, 10));
        response.end(text.slice(10));
      } else {
        response.setHeader('Content-Length', Buffer.byteLength(text));
        response.end(text);
      }
    });
  });
  server.on('checkContinue', (request, response) => {
    request.continued = true;
    response.writeContinue();
    server.emit('request', request, response);
  });
  return server;
}

// curl's answer: status line, header fields, body, and what it says with -v.
async function fetchWith(scene, args, input) {
  const { code, output } = await scene.run([curl, '-sS', '-i', '--max-time', '20', ...args], { input });
  assert.equal(code, 0, output);
  const end = output.lastIndexOf('\r\n\r\n');
  const heads = output.slice(0, end).split('\r\n\r\n');
  const [line, ...fields] = heads.at(-1).split('\r\n');
  const headers = Object.fromEntries(fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  }));
  return { line, status: Number(line.split(' ')[1]), headers, body: output.slice(end + 4), interim: heads.slice(0, -1) };
}

function parse(answer) {
  assert.equal(answer.status, 200, answer.line + answer.body);
  return JSON.parse(answer.body);
}

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

await suite({
  'GET': async (scene, { url }) => {
    const answer = await fetchWith(scene, [`${url}/some/path?q=1`]);
    const seen = parse(answer);
    assert.equal(answer.line, 'HTTP/1.1 200 OK');
    assert.equal(seen.url, '/some/path?q=1');
    assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen.headers['x-forwarded-proto'], 'http');
    assert.equal(seen.headers.host, new URL(url).host);
  },

  'HEAD has the length and no body': async (scene, { url }) => {
    const answer = await fetchWith(scene, ['--head', url]);
    assert.equal(answer.status, 200);
    assert.ok(Number(answer.headers['content-length']) > 0);
    assert.equal(answer.body, '');
  },

  'POST with a length': async (scene, { url }) => {
    const body = crypto.randomBytes(300_000).toString('hex');
    const seen = parse(await fetchWith(scene, ['--data-binary', '@-', '-H', 'Expect:', url], body));
    assert.equal(seen.method, 'POST');
    assert.equal(seen.headers['content-length'], String(body.length));
    assert.equal(seen.digest, sha256(body));
  },

  'chunked upload': async (scene, { url }) => {
    const body = crypto.randomBytes(1_500_000);
    const seen = parse(await fetchWith(scene, ['-T', '-', '-H', 'Expect:', url], body));
    assert.equal(seen.headers['transfer-encoding'], 'chunked');
    assert.equal(seen.headers['content-length'], undefined);
    assert.equal(seen.digest, sha256(body));
  },

  'chunked answer': async (scene, { url }) => {
    const answer = await fetchWith(scene, [`${url}/chunked`]);
    assert.equal(parse(answer).url, '/chunked');
    assert.equal(answer.headers['transfer-encoding'], 'chunked');
  },

  'Expect: 100-continue with a large body': async (scene, { url }) => {
    const body = crypto.randomBytes(3_000_000);
    const file = scene.file('body', body);
    const answer = await fetchWith(scene, ['--data-binary', `@${file}`, '-H', 'Expect: 100-continue',
      '--expect100-timeout', '15', url]);
    const seen = parse(answer);
    assert.deepEqual(answer.interim.map((head) => head.split('\r\n')[0]), ['HTTP/1.1 100 Continue']);
    assert.equal(seen.continued, true, 'the expectation reached the server');
    assert.equal(seen.digest, sha256(body));
  },

  'an unknown expectation gets 417': async (scene, { url }) => {
    assert.equal((await fetchWith(scene, ['-H', 'Expect: miracles', url])).status, 417);
  },

  'one connection for many requests': async (scene, { url }) => {
    const urls = Array.from({ length: 20 }, (_, i) => `${url}/${i}`);
    const { code, output } = await scene.run([curl, '-sS', '-w', '%{num_connects} ', '-o', '/dev/null',
      ...urls.flatMap((one, i) => (i === 0 ? [one] : ['-o', '/dev/null', one]))]);
    assert.equal(code, 0, output);
    assert.deepEqual(output.trim().split(' '), ['1', ...Array(19).fill('0')]);
  },

  'HTTP/1.0': async (scene, { url }) => {
    const plain = await fetchWith(scene, ['--http1.0', `${url}/chunked`]);
    assert.equal(parse(plain).version, '1.1', 'towards the server always HTTP/1.1');
    assert.equal(plain.headers['transfer-encoding'], undefined, 'no chunks for HTTP/1.0');
    const kept = await fetchWith(scene, ['--http1.0', '-H', 'Connection: keep-alive', url]);
    assert.equal(kept.status, 200);
    assert.equal(kept.headers.connection?.toLowerCase(), 'keep-alive');
  },

  'an offer of h2c is stripped': async (scene, { url }) => {
    const answer = await fetchWith(scene, ['--http2', url]);
    const seen = parse(answer);
    assert.equal(answer.line, 'HTTP/1.1 200 OK');
    assert.equal(seen.headers.upgrade, undefined);
    assert.equal(seen.headers['http2-settings'], undefined);
    assert.ok(!/upgrade|http2/i.test(seen.headers.connection ?? ''), seen.headers.connection);
  },

  'OPTIONS *': async (scene, { url }) => {
    const seen = parse(await fetchWith(scene, ['-X', 'OPTIONS', '--request-target', '*', url]));
    assert.equal(seen.url, '*');
  },

  'absolute-form': async (scene, { url }) => {
    const seen = parse(await fetchWith(scene, ['--proxy', url, 'http://named.example/x?y']));
    assert.equal(seen.headers.host, 'named.example');
    assert.equal(seen.url, '/x?y');
  },

  '404 without a route': async (scene, { url }) => {
    const answer = await fetchWith(scene, ['-H', 'Host: nobody.example', url]);
    assert.equal(answer.status, 404);
    assert.ok(answer.headers['proxy-status'], JSON.stringify(answer.headers));
    assert.ok(answer.body.length > 0);
    assert.ok(Number(answer.headers['content-length']) === answer.body.length);
  },

  '503 without a pod': async (scene, { url }) => {
    const answer = await fetchWith(scene, ['-H', 'Host: down.example', url]);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers['retry-after']) > 0, JSON.stringify(answer.headers));
    assert.match(answer.headers['proxy-status'], /error=/);
    const head = await fetchWith(scene, ['--head', '-H', 'Host: down.example', url]);
    assert.equal(head.status, 503);
    assert.equal(head.body, '');
  },

  'an answer before the upload is over': async (scene) => {
    const server = http.createServer((request, response) => {
      response.writeHead(413, { 'Content-Length': 6, Connection: 'close' });
      response.end('enough');
    });
    const gateway = await scene.gateway(upstream([await scene.listen(server)]));
    for (const how of [['--data-binary', '@-'], ['-T', '-']]) {
      const answer = await fetchWith(scene, [...how, '-H', 'Expect:', gateway.url], Buffer.alloc(20_000_000));
      assert.equal(answer.status, 413);
      assert.equal(answer.body, 'enough');
    }
  },

  'a body over the limit gets 413': async (scene, { ports: [port] }) => {
    const gateway = await scene.gateway(upstream([port], {}, { maxBody: '1k' }));
    const { status } = await fetchWith(scene, ['--data-binary', 'x'.repeat(1024), gateway.url]);
    assert.equal(status, 200);
    for (const how of [['--data-binary', '@-'], ['-T', '-']]) {
      const answer = await fetchWith(scene, [...how, '-H', 'Expect:', gateway.url], Buffer.alloc(5_000_000));
      assert.equal(answer.status, 413);
    }
  },

  'over a Unix socket and over IPv6': async (scene, { ports: [port] }) => {
    const file = scene.file('gateway.sock');
    const [six, admin, four] = await scene.freePorts(3);
    const settings = {
      ...upstream([port]),
      listeners: [{ address: `unix:${file}` }, { address: `127.0.0.1:${four}` }],
    };
    if (Object.values(networkInterfaces()).flat().some(({ address }) => address === '::1')) {
      settings.listeners.push({ address: `[::1]:${six}` });
    }
    const program = scene.start('tidegate', [process.env.TIDEGATE_PROGRAM, '-c', scene.configure(settings, [four, admin])]);
    await program.says(/serves with/);
    assert.equal(parse(await fetchWith(scene, ['--unix-socket', file, 'http://x/unix'])).url, '/unix');
    if (settings.listeners.length > 2) {
      const seen = parse(await fetchWith(scene, [`http://[::1]:${six}/six`]));
      assert.equal(seen.headers['x-forwarded-for'], '::1');
    }
    program.signal('SIGTERM');
    assert.equal((await program.wait()).code, 0);
    assert.ok(!existsSync(file), 'the socket file is gone');
  },

  'CONNECT is refused': async (scene, { gateway }) => {
    const { code, output } = await scene.run([curl, '-sS', '-v', '--proxytunnel', '--proxy',
      `http://127.0.0.1:${gateway.port}`, 'http://elsewhere.example/']);
    assert.notEqual(code, 0);
    assert.match(output, /HTTP\/1\.1 (405|501)/);
  },
}, async (scene) => {
  const port = await scene.listen(describingServer());
  const [dead] = await scene.freePorts(1);
  const gateway = await scene.gateway({
    routes: [
      { hosts: ['down.example'], path: '/', upstream: 'down' },
      { hosts: ['127.0.0.1', 'named.example'], path: '/', upstream: 'pods' },
    ],
    upstreams: {
      ...upstream([port]).upstreams,
      down: { endpoints: [`127.0.0.1:${dead}`], hold: { maxWait: '100ms' }, retry: { total: '300ms' } },
    },
  });
  return { gateway, url: gateway.url, ports: [port] };
});
