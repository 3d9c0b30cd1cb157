// Prometheus's own linter over the metrics of a gateway that has done a little of everything.
import assert from 'node:assert/strict';

import { needProgram } from './harness/needs.mjs';
import { upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const promtool = needProgram('promtool', 'prometheus');

await suite({
  'promtool has no complaint': async (scene) => {
    const pod = await scene.pod();
    const [dead] = await scene.freePorts(1);
    const gateway = await scene.gateway({
      routes: [
        { hosts: ['127.0.0.1'], path: '/', upstream: 'pods' },
        { hosts: ['*.down.example'], path: '/', upstream: 'down' },
      ],
      upstreams: {
        ...upstream([pod.port]).upstreams,
        down: { endpoints: [`127.0.0.1:${dead}`], hold: 'off', retry: { total: '200ms' } },
      },
    });
    for (const [path, status] of [['/', 200], ['/absent', 404], ['/ready', 200]]) {
      assert.equal((await fetch(gateway.url + path)).status, status);
    }
    const { status, text } = await gateway.get('/metrics');
    assert.equal(status, 200);
    assert.match(text, /^tidegate_requests_total\{upstream="pods",code="2xx"\} 2$/m);
    const { code, output } = await scene.run([promtool, 'check', 'metrics'], { input: text });
    assert.equal(output, '');
    assert.equal(code, 0);
  },
});
