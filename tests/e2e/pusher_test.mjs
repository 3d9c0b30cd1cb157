// The real pusher-js in front of demo pods: it connects, and comes back by itself when its pod leaves.
import assert from 'node:assert/strict';

import { needPackage } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const loaded = needPackage('pusher-js');
const Pusher = loaded.default ?? loaded;

function connect(gateway) {
  const pusher = new Pusher('app-key', {
    cluster: '', wsHost: '127.0.0.1', wsPort: gateway.port, forceTLS: false, enabledTransports: ['ws'],
    enableStats: false,
  });
  const seen = { states: [], sockets: [], errors: [] };
  pusher.connection.bind('state_change', ({ current }) => seen.states.push(current));
  pusher.connection.bind('connected', () => seen.sockets.push(pusher.connection.socket_id));
  pusher.connection.bind('error', (error) => seen.errors.push(error));
  return { pusher, seen };
}

const connected = ({ pusher, seen }, times) => until(
  `${times} connections`, () => seen.sockets.length >= times && pusher.connection.state === 'connected', 20_000);

await suite({
  'connects and subscribes': async (_, { gateway }) => {
    const client = connect(gateway);
    await connected(client, 1);
    let subscribed = false;
    client.pusher.subscribe('room').bind('pusher:subscription_succeeded', () => { subscribed = true; });
    await until('the subscription', () => subscribed);
    client.pusher.disconnect();
    assert.equal(client.pusher.connection.state, 'disconnected');
  },

  'reconnects by itself when its pod gets SIGTERM': async (scene) => {
    const pods = [await scene.pod('--grace', '500'), await scene.pod('--grace', '500')];
    const gateway = await scene.gateway(upstream(pods.map(({ port }) => port), {
      readinessProbe: { httpGet: { path: '/ready' }, periodSeconds: 1 },
    }));
    const client = connect(gateway);
    await connected(client, 1);
    const [first] = client.seen.sockets;
    const leaving = pods.find(({ pid }) => first.startsWith(`${pid}.`));
    assert.ok(leaving, `${first} is a socket of one of the pods`);
    leaving.signal('SIGTERM');
    await connected(client, 2);
    const remaining = pods.find((pod) => pod !== leaving);
    assert.ok(client.seen.sockets.at(-1).startsWith(`${remaining.pid}.`), 'the other pod has it now');
    // 4200: come back at once. pusher-js reports the code that came in the Close frame.
    const codes = client.seen.errors.map((error) => error.error?.data?.code ?? error.data?.code);
    assert.ok(codes.includes(4200), JSON.stringify(client.seen.errors));
    assert.ok(!client.seen.states.includes('unavailable'), client.seen.states.join(' '));
    client.pusher.disconnect();
    assert.equal((await leaving.wait()).code, 0);
  },
}, async (scene) => {
  const pod = await scene.pod();
  return { gateway: await scene.gateway(upstream([pod.port])) };
});
