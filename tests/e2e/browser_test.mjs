// What a browser sees when the gateway ends its WebSockets: Debian's Chromium, without a window.
import assert from 'node:assert/strict';

import { needPackage, needProgram } from './harness/needs.mjs';
import { talkingPod, tornPod } from './harness/pods.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const chromiumProgram = needProgram('chromium');
const { chromium } = needPackage('playwright-core');
const { WebSocketServer } = needPackage('ws');

const shutdown = { delay: '0s', window: '500ms', deadline: '20s' };
const page = { path: { exact: '/page' }, respond: { contentType: 'text/html', body: '<title>page</title>' } };

// A page that came through the gateway and has `count` sockets through it; `closes()` waits until all have ended.
async function visit(browser, gateway, count = 1) {
  const visitor = await browser.newPage();
  await visitor.goto(`${gateway.url}/page`);
  await visitor.evaluate(([number]) => {
    const ended = (socket) => new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
    });
    const sockets = Array.from({ length: number }, () => new WebSocket(`ws://${location.host}/app/key`));
    window.closes = Promise.all(sockets.map(ended));
    return Promise.all(sockets.map((socket) => new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('not opened'));
    })));
  }, [count]);
  return { closes: () => visitor.evaluate(() => window.closes), end: () => visitor.close() };
}

// A gateway that also serves the page.
function serve(scene, ports, settings = {}) {
  const { upstreams } = upstream([ports].flat(), settings);
  return scene.gateway({ routes: [page, { path: '/', upstream: 'pods' }], upstreams, shutdown });
}

await suite({
  'the gateway ends: 1001 with the reason, and clean': async (scene, { browser }) => {
    const gateway = await serve(scene, (await scene.pod()).port);
    const visitor = await visit(browser, gateway, 20);
    gateway.signal('SIGTERM');
    for (const close of await visitor.closes()) {
      assert.deepEqual(close, { code: 1001, reason: 'gateway is shutting down', wasClean: true });
    }
    await visitor.end();
    assert.deepEqual(await gateway.wait(), { code: 0, signal: null });
  },

  'the pod is killed: the code and reason of the configuration': async (scene, { browser }) => {
    const pod = await scene.pod();
    const gateway = await serve(scene, pod.port, { closes: { lost: { code: 4200, reason: 'gleich zurück' } } });
    const visitor = await visit(browser, gateway, 5);
    pod.signal('SIGKILL');
    for (const close of await visitor.closes()) {
      assert.deepEqual(close, { code: 4200, reason: 'gleich zurück', wasClean: true });
    }
    await visitor.end();
  },

  'the pod is killed: 1012 by default': async (scene, { browser }) => {
    const pod = await scene.pod();
    const visitor = await visit(browser, await serve(scene, pod.port));
    pod.signal('SIGKILL');
    assert.deepEqual(await visitor.closes(), [{ code: 1012, reason: 'upstream connection lost', wasClean: true }]);
    await visitor.end();
  },

  'the pod is killed within a frame: 1006': async (scene, { browser }) => {
    const pod = await tornPod(scene);
    const visitor = await visit(browser, await serve(scene, pod.port));
    pod.cut();
    assert.deepEqual(await visitor.closes(), [{ code: 1006, reason: '', wasClean: false }]);
    await visitor.end();
  },

  'its endpoint is drained: 1012 with the reason, and clean': async (scene, { browser }) => {
    const [leaving, staying] = [await scene.pod(), await scene.pod()];
    const gateway = await serve(scene, [leaving.port, staying.port], { drain: { window: '500ms', deadline: '20s' } });
    await gateway.order('endpoint', 'drain', `127.0.0.1:${staying.port}`);
    const visitor = await visit(browser, gateway, 10);
    await gateway.order('endpoint', 'undrain', `127.0.0.1:${staying.port}`);
    await gateway.order('endpoint', 'drain', `127.0.0.1:${leaving.port}`);
    for (const close of await visitor.closes()) {
      assert.deepEqual(close, { code: 1012, reason: 'endpoint is leaving', wasClean: true });
    }
    await visitor.end();
  },

  'a page that has stopped reading gets all of it and its Close, when it reads on': async (scene, { browser }) => {
    const count = 40;
    const gateway = await serve(scene, (await talkingPod(scene, WebSocketServer, { count })).port);
    const visitor = await browser.newPage();
    await visitor.goto(`${gateway.url}/page`);
    // Of the browser's interfaces the one that lets a page be slow.
    const able = await visitor.evaluate(async () => {
      if (!('WebSocketStream' in window)) return false;
      window.stream = new WebSocketStream(`ws://${location.host}/app/key`);
      window.opened = await window.stream.opened;
      return true;
    });
    if (!able) return console.log('  (no WebSocketStream in this Chromium: not tried)');
    const kept = async () => Number((await gateway.get('/metrics')).text.match(/^tidegate_tunnel_bytes (\d+)$/m)[1]);
    await until('the gateway has to wait for the page', kept);
    gateway.signal('SIGTERM');
    await gateway.says(/shutting down/);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal(gateway.exit, null, 'it is waited for');
    const seen = await visitor.evaluate(async () => {
      const reader = window.opened.readable.getReader();
      const numbers = [];
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        numbers.push(value.byteLength === 1 << 20 ? new Uint8Array(value)[value.byteLength - 1] : -1);
      }
      const { closeCode, reason } = await window.stream.closed;
      return { numbers, closeCode, reason };
    });
    assert.deepEqual(seen, {
      numbers: Array.from({ length: count }, (unused, i) => i), closeCode: 1001, reason: 'gateway is shutting down',
    });
    await visitor.close();
  },
}, async (scene) => {
  // The sandbox needs user namespaces, which tests in a container do not have; no page of others is visited.
  const browser = await chromium.launch({
    executablePath: chromiumProgram, headless: true, args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  scene.closers.push(() => browser.close());
  console.log(`Chromium ${browser.version()}`);
  return { browser };
});
