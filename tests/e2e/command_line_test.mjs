// The command line: what the program prints and with which status it ends, without serving.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Authority } from './harness/certificates.mjs';
import { suite } from './harness/suite.mjs';

const tidegate = process.env.TIDEGATE_PROGRAM;
const examples = path.join(process.env.TIDEGATE_SOURCE, 'examples');

await suite({
  '--version': async (scene) => {
    const { code, output } = await scene.run([tidegate, '--version']);
    assert.equal(code, 0);
    assert.match(output, /^tidegate \d+\.\d+\.\d+\n$/);
  },

  '--help names the commands': async (scene) => {
    const { code, output } = await scene.run([tidegate, '--help']);
    assert.equal(code, 0);
    for (const word of ['--config', '--version', 'check', 'schema', 'status']) assert.ok(output.includes(word), output);
  },

  'a wrong flag ends with 2': async (scene) => {
    for (const args of [['--no-such-flag'], ['check', '--no-such-flag'], ['no-such-command'], ['-c']]) {
      const { code, output } = await scene.run([tidegate, ...args]);
      assert.equal(code, 2, `${args}: ${output}`);
      assert.match(output, /--help/);
    }
  },

  'every example is valid': async (scene) => {
    const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'));
    assert.ok(files.length >= 4, files.join(' '));
    // The certificates and passwords that an example names are made here: their faults are those of the configuration.
    scene.file('htpasswd', 'ann:$2y$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW\n');
    const ca = new Authority(scene, 'partners-ca');
    for (const name of ['issuer', 'pods-ca']) copyFileSync(ca.certificate, scene.file(`${name}.pem`));
    writeFileSync(scene.file('tickets.key'), randomBytes(80));
    for (const host of ['example.com', 'api.example.com', 'gateway']) {
      const issued = ca.issue([host]);
      copyFileSync(issued.certificate, scene.file(`${host}.pem`));
      copyFileSync(issued.key, scene.file(`${host}.key`));
    }
    for (const name of files) {
      const text = readFileSync(path.join(examples, name), 'utf8').replaceAll(/\/etc\/tidegate\/(tls\/)?/g, `${scene.folder}/`);
      const { code, output } = await scene.run([tidegate, 'check', '-c', scene.file(name, text)]);
      assert.equal(code, 0, output);
      assert.match(output, /valid/);
    }
  },

  'certificates that cannot be used: each is named, with its place': async (scene) => {
    const file = scene.file('tls.yaml', [
      'listeners:',
      '  - address: 127.0.0.1:0',
      '    tls:',
      '      certificates:',
      '        - { certificate: /none/a.pem, key: /none/a.key }',
      '        - { certificate: /none/b.pem, key: /none/b.key }',
      'tlsTicketKeys: /none/tickets',
      'upstreams:',
      '  pods: { endpoints: ["127.0.0.1:6001"], tls: { ca: /none/ca.pem } }',
      ''].join('\n'));
    for (const args of [['check', '-c', file], ['-c', file]]) {
      const { code, output } = await scene.run([tidegate, ...args]);
      assert.equal(code, 1, output);
      for (const said of [
        `${file}:5:26: listeners[0].tls.certificates[0].certificate: /none/a.pem: cannot be read`,
        `${file}:6:26: listeners[0].tls.certificates[1].certificate: /none/b.pem`,
        `${file}:7:16: tlsTicketKeys: /none/tickets: cannot be read`,
        `${file}:9:53: upstreams.pods.tls.ca: /none/ca.pem: cannot be read`,
      ]) {
        assert.ok(output.includes(said), output);
      }
    }
  },

  'what the machine lacks: a warning of `check`, and no start': async (scene) => {
    const file = scene.file('lacking.yaml', [
      'listeners: ["127.0.0.1:0"]',
      'acmeChallenges: /none/acme',
      'log: { access: /none/access.log, error: { path: /none/error.log } }',
      'upstreams:',
      '  pods: { endpoints: ["127.0.0.1:6001"], sourceAddresses: [192.0.2.1] }',
      ''].join('\n'));
    const lacking = [
      `${file}:3:16: log.access: /none/access.log: its directory /none does not exist`,
      `${file}:3:49: log.error.path: /none/error.log: its directory /none does not exist`,
      `${file}:5:60: upstreams.pods.sourceAddresses[0]: \`192.0.2.1\` is no address of this machine`,
    ];
    const checked = await scene.run([tidegate, 'check', '-c', file]);
    assert.equal(checked.code, 0, checked.output);
    for (const said of lacking) assert.ok(checked.output.includes(`warning: ${said}`), checked.output);
    assert.ok(checked.output.includes(`warning: ${file}:2:17: acmeChallenges: /none/acme: does not exist`), checked.output);
    const started = await scene.run([tidegate, '-c', file]);
    assert.equal(started.code, 1, started.output);
    for (const said of lacking) assert.ok(started.output.includes(said), started.output);
  },

  'a broken file: every fault with its place, status 1': async (scene) => {
    const file = scene.file('broken.yaml', [
      'listeners:',
      '  - address: 127.0.0.1:99999',
      'routes:',
      '  - pfad: /',
      '    upstream: absent',
      'upstreams:',
      '  pods: { endpoints: ["127.0.0.1:6001"], balance: sideways }',
      ''].join('\n'));
    for (const args of [['check', '-c', file], ['-c', file]]) {
      const { code, output } = await scene.run([tidegate, ...args]);
      assert.equal(code, 1, output);
      for (const place of ['2:14', '4:5', '7:']) assert.ok(output.includes(`${file}:${place}`), output);
      assert.match(output, /`pfad`/);
      assert.match(output, /sideways/);
    }
  },

  'what is no YAML at all, and no file': async (scene) => {
    const file = scene.file('no.yaml', 'listeners: [\n');
    const broken = await scene.run([tidegate, 'check', '-c', file]);
    assert.equal(broken.code, 1);
    assert.match(broken.output, new RegExp(`${file}:\\d+:\\d+: `));
    const absent = await scene.run([tidegate, 'check', '-c', scene.file('absent.yaml')]);
    assert.equal(absent.code, 1);
    assert.match(absent.output, /No such file/);
  },

  'schema prints a JSON Schema': async (scene) => {
    const { code, output } = await scene.run([tidegate, 'schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(output);
    assert.match(schema.$schema, /json-schema\.org/);
    assert.ok(schema.properties.listeners);
    assert.ok(schema.properties.upstreams);
  },
});
