// TLS as others see it: openssl's client, curl, Node's ws over wss://.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { Authority, openssl } from './harness/certificates.mjs';
import { needPackage, needProgram } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const curl = needProgram('curl');
const { WebSocket } = needPackage('ws');

// A gateway with TLS in front of one demo pod.
async function secure(scene, tls, more = {}) {
  const port = (await scene.pod()).port;
  const [listen] = await scene.freePorts(1);
  const gateway = await scene.gateway({ ...upstream([port]), listeners: [{ address: `127.0.0.1:${listen}`, tls }], ...more });
  return Object.assign(gateway, { port: listen, url: `https://127.0.0.1:${listen}` });
}

// What `openssl s_client` says of a handshake.
async function shakeHands(scene, gateway, ...flags) {
  const { code, output } = await scene.run([openssl, 's_client', '-connect', `127.0.0.1:${gateway.port}`, ...flags],
    { input: 'Q\n' });
  return { ok: code === 0 && /Cipher is (?!\(NONE\))/.test(output), output };
}

await suite({
  'curl with the authority gets an answer, without it none': async (scene) => {
    const ca = new Authority(scene);
    const gateway = await secure(scene, ca.issue(['localhost']));
    const good = await scene.run([curl, '-sS', '--cacert', ca.certificate, '-w', '%{http_version} %{http_code}', '-o', '/dev/null', gateway.url]);
    assert.equal(good.output, '1.1 200');
    const bad = await scene.run([curl, '-sS', gateway.url]);
    assert.equal(bad.code, 60, bad.output);
  },

  'protocol versions: 1.2 and 1.3, nothing older': async (scene) => {
    const ca = new Authority(scene);
    const gateway = await secure(scene, ca.issue(['localhost']));
    const cipher = ['-cipher', 'ALL:@SECLEVEL=0'];
    for (const version of ['-tls1', '-tls1_1']) {
      assert.ok(!(await shakeHands(scene, gateway, version, ...cipher)).ok, version);
    }
    for (const version of ['-tls1_2', '-tls1_3']) assert.ok((await shakeHands(scene, gateway, version)).ok, version);
  },

  'every cipher of TLS 1.2 that is accepted has forward secrecy and an AEAD': async (scene) => {
    const ca = new Authority(scene);
    const names = ['localhost'];
    const gateway = await secure(scene, { certificates: [ca.issue(names), ca.issue(names, { rsa: true })] });
    const all = (await scene.run([openssl, 'ciphers', '-s', '-tls1_2', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'])).output.trim().split(':');
    assert.ok(all.length > 30, `${all.length} ciphers to try`);
    const accepted = [];
    for (const name of all) {
      const tried = await shakeHands(scene, gateway, '-tls1_2', '-cipher', `${name}:@SECLEVEL=0`);
      if (tried.ok) accepted.push(name);
    }
    console.log(`  ${accepted.length} of ${all.length}: ${accepted.join(' ')}`);
    assert.ok(accepted.length >= 6);
    for (const name of accepted) assert.match(name, /^ECDHE-(RSA|ECDSA)-(AES(128|256)-GCM|CHACHA20-POLY1305)/);
  },

  'no renegotiation, no compression': async (scene) => {
    const ca = new Authority(scene);
    const gateway = await secure(scene, ca.issue(['localhost']));
    const { output } = await scene.run([openssl, 's_client', '-connect', `127.0.0.1:${gateway.port}`, '-tls1_2'], { input: 'R\n' });
    assert.match(output, /no renegotiation|Compression: NONE/);
    assert.match(output, /Compression: NONE/);
    assert.match(output, /no renegotiation/);
  },

  'client certificates: demanded, and told to the pod': async (scene) => {
    const ca = new Authority(scene);
    const clients = new Authority(scene, 'clients');
    const alice = clients.issue(['alice']);
    const seen = [];
    const server = (await import('node:http')).createServer((request, response) => {
      seen.push(request.headers);
      response.end('ok');
    });
    const [listen] = await scene.freePorts(1);
    const gateway = await scene.gateway({
      ...upstream([await scene.listen(server)], {}, { requestHeaders: { set: { 'X-Client-DN': '$ssl_client_s_dn' } } }),
      listeners: [{
        address: `127.0.0.1:${listen}`,
        tls: { ...ca.issue(['localhost']), forwardClientCertificate: true,
          clientCertificates: { mode: 'required', ca: clients.certificate } },
      }],
    });
    Object.assign(gateway, { port: listen, url: `https://127.0.0.1:${listen}` });
    const ask = (...flags) => scene.run([curl, '-sS', '--cacert', ca.certificate, ...flags, gateway.url]);
    assert.notEqual((await ask()).code, 0);
    const { code, output } = await ask('--cert', alice.certificate, '--key', alice.key,
      '-H', 'X-Client-DN: CN=mallory', '-H', 'Client-Cert: :bWFsbG9yeQ==:');
    assert.equal(code, 0, output);
    assert.equal(seen.length, 1);
    assert.equal(seen[0]['x-client-dn'], 'CN=alice');
    const der = Buffer.from(seen[0]['client-cert'].slice(1, -1), 'base64');
    const pem = readFileSync(alice.certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '');
    assert.equal(der.toString('base64'), pem);
    assert.equal(seen[0]['x-forwarded-proto'], 'https');
  },

  'a renewed certificate is taken up without a restart, and open sockets go on': async (scene) => {
    const ca = new Authority(scene);
    const first = ca.issue(['first.test']);
    const second = ca.issue(['second.test']);
    const used = { certificate: scene.file('used.pem'), key: scene.file('used.key') };
    copyFileSync(first.certificate, used.certificate);
    copyFileSync(first.key, used.key);
    const gateway = await secure(scene, used);
    const socket = new WebSocket(`wss://127.0.0.1:${gateway.port}/app/key`, { ca: readFileSync(ca.certificate) });
    await once(socket, 'open');
    const subject = async () => (await shakeHands(scene, gateway)).output.match(/subject=.*CN ?= ?(\S+)/)?.[1];
    assert.equal(await subject(), 'first.test');
    // A half-written pair is refused and said; the old certificate stays.
    copyFileSync(second.certificate, `${used.certificate}.new`);
    renameSync(`${used.certificate}.new`, used.certificate);
    await gateway.says(/certificates not renewed/, 15_000);
    assert.equal(await subject(), 'first.test');
    copyFileSync(second.key, `${used.key}.new`);
    renameSync(`${used.key}.new`, used.key);
    await until('the new certificate', async () => await subject() === 'second.test', 15_000);
    const echoed = once(socket, 'message');
    socket.send('still here');
    assert.match(String((await echoed)[0]), /still here|connection_established/);
    socket.close(1000);
    const page = await gateway.get('/metrics');
    assert.match(page.text, /tidegate_certificate_days_left\{file="[^"]+"\} 0/);
  },

  'an OCSP response is fetched and stapled, and kept over a renewal and a revocation': async (scene) => {
    const ca = new Authority(scene);
    let good = true;
    let issued;
    let asked = 0;
    const responder = http.createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      ++asked;
      response.writeHead(200, { 'content-type': 'application/ocsp-response' });
      response.end(ca.answer(Buffer.concat(parts), issued, good));
    });
    const url = `http://127.0.0.1:${await scene.listen(responder)}/`;
    issued = ca.issue(['localhost'], { responder: url, chained: true });
    const other = ca.issue(['localhost']);
    const gateway = await secure(scene, { certificates: [{ ...issued, ocspStaple: 'fetch' }, { ...other, names: ['other.test'] }] });
    await gateway.says(/OCSP: .* good until /);
    const status = async () => (await shakeHands(scene, gateway, '-status', '-CAfile', ca.certificate)).output;
    const stapled = /OCSP Response Status: successful[^]*Cert Status: good[^]*Verify return code: 0/;
    assert.match(await status(), stapled);
    // The staple of the one does not go along with the other.
    const without = await shakeHands(scene, gateway, '-status', '-servername', 'other.test');
    assert.match(without.output, /OCSP response: no response sent/);
    good = false;
    const fresh = ca.issue(['other.test']);
    for (const kind of ['certificate', 'key']) {
      copyFileSync(fresh[kind], `${other[kind]}.new`);
      renameSync(`${other[kind]}.new`, other[kind]);
    }
    await gateway.says(/certificates renewed/, 15_000);
    assert.match(await status(), stapled);
    assert.equal(asked, 1);
    const revoked = await secure(scene, { ...issued, ocspStaple: { issuer: ca.certificate, responder: url } });
    await revoked.says(/OCSP: .* the CA has REVOKED this certificate on 2025-01-01 00:00 UTC \(keyCompromise\); clients get none/);
    assert.match((await revoked.get('/metrics')).text, /tidegate_ocsp_fetches_total\{[^}]*result="revoked"\} 1/);
  },

  'wss: messages of all sizes, and a Close both ways': async (scene) => {
    const ca = new Authority(scene);
    const gateway = await secure(scene, ca.issue(['localhost']));
    const socket = new WebSocket(`wss://127.0.0.1:${gateway.port}/app/key`, { ca: readFileSync(ca.certificate) });
    const messages = [];
    socket.on('message', (data) => messages.push(data));
    await once(socket, 'open');
    await until('the greeting', () => messages.length === 1);
    for (const size of [0, 1, 125, 126, 16_383, 16_384, 16_385, 65_536, 1_000_000]) {
      messages.length = 0;
      const sent = Buffer.alloc(size, 'x');
      socket.send(sent);
      await until(`the echo of ${size} bytes`, () => messages.length === 1);
      assert.ok(messages[0].equals(sent), `${size} bytes`);
    }
    const closed = once(socket, 'close');
    socket.close(1000);
    assert.equal((await closed)[0], 1000);
  },

  'https pods: verified, with their probe': async (scene) => {
    const ca = new Authority(scene);
    const issued = ca.issue(['pod.test']);
    const server = https.createServer({ cert: readFileSync(issued.certificate), key: readFileSync(issued.key) },
      (_, response) => response.end('from a secure pod'));
    const port = await scene.listen(server);
    const gateway = await scene.gateway(upstream([port], {
      tls: { ca: ca.certificate, serverName: 'pod.test' },
      readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1 },
    }));
    assert.equal((await scene.run([curl, '-sS', gateway.url])).output, 'from a secure pod');
    assert.match((await gateway.get('/endpoints')).text, /HTTP 200/);
  },

  'redirect, HSTS and the answers to ACME challenges': async (scene) => {
    const ca = new Authority(scene);
    const webroot = scene.file('webroot');
    (await import('node:fs')).mkdirSync(`${webroot}/.well-known/acme-challenge`, { recursive: true });
    writeFileSync(`${webroot}/.well-known/acme-challenge/a-Token_1`, 'a-Token_1.thumbprint');
    const pod = await scene.pod();
    const [clear, listen] = await scene.freePorts(2);
    await scene.gateway({
      ...upstream([pod.port]),
      acmeChallenges: webroot,
      listeners: [{ address: `127.0.0.1:${clear}`, tls: { redirect: true } },
        { address: `127.0.0.1:${listen}`, tls: { ...ca.issue(['localhost']), hsts: '365d' } }],
    });
    const head = async (...flags) => (await scene.run([curl, '-sS', '-i', '--cacert', ca.certificate, ...flags])).output;
    assert.match(await head(`http://127.0.0.1:${clear}/a?b`), /308 Permanent Redirect[^]*Location: https:\/\/127\.0\.0\.1\/a\?b/);
    assert.match(await head(`https://127.0.0.1:${listen}/`), /200 OK[^]*Strict-Transport-Security: max-age=31536000/);
    const challenge = `http://127.0.0.1:${clear}/.well-known/acme-challenge`;
    assert.match(await head(`${challenge}/a-Token_1`), /200 OK[^]*a-Token_1\.thumbprint$/);
    assert.match(await head(`${challenge}/none`), /404/);
    assert.match(await head('--path-as-is', `${challenge}/..%2f..%2f..%2fetc%2fpasswd`), /400/);
    assert.match(await head('--path-as-is', `${challenge}/a%2f%2fetc%2fpasswd`), /404/);
  },
});
