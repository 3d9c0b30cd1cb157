// The command line: what the program prints and with which status it ends, without serving.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';

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
    for (const word of ['--config', '--version', 'check', 'schema']) assert.ok(output.includes(word), output);
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
    for (const name of files) {
      const { code, output } = await scene.run([tidegate, 'check', '-c', path.join(examples, name)]);
      assert.equal(code, 0, output);
      assert.match(output, /valid/);
    }
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
