// Bodies far larger than memory pass through the gateway both ways, and its memory stays what it is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';

import { needProgram } from './harness/needs.mjs';
import { until, upstream } from './harness/scene.mjs';
import { suite } from './harness/suite.mjs';

const curl = needProgram('curl');
const bytes = Number(process.env.TIDEGATE_BIG_BODY ?? 10 * 1024 ** 3);
const mostKilobytes = 64 * 1024;
const limit = 140_000;

const peak = (gateway) => Number(readFileSync(`/proc/${gateway.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]);

function checkPeak(gateway) {
  console.log(`  peak memory of the gateway: ${peak(gateway)} KiB`);
  assert.ok(peak(gateway) < mostKilobytes, `${peak(gateway)} KiB`);
}

// Counts what it receives, as cheaply as Node can; answers when the last chunk or the announced length is there.
function sink(scene) {
  const end = '0\r\n\r\n';
  const server = net.createServer({ noDelay: true }, (socket) => {
    let received = 0;
    let head = null;
    let tail = '';
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received += data.length;
      head ??= data.toString('latin1');
      tail = (tail + data.subarray(-end.length).toString('latin1')).slice(-end.length);
      const announced = /^content-length: (\d+)/im.exec(head)?.[1];
      const whole = announced ? received >= head.indexOf('\r\n\r\n') + 4 + Number(announced) : tail === end;
      if (!whole) return;
      const text = `${received}`;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
    });
  });
  return scene.listen(server);
}

await suite({
  'download of a known length': async (scene) => {
    const gateway = await scene.gateway(upstream([(await scene.pod()).port]));
    const { code, output } = await scene.run([curl, '-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}',
      `${gateway.url}/big?bytes=${bytes}`], { patience: limit });
    assert.equal(code, 0, output);
    assert.equal(output, `200 ${bytes}`);
    checkPeak(gateway);
  },

  'chunked upload': async (scene) => {
    const gateway = await scene.gateway(upstream([await sink(scene)]));
    const { code, output } = await scene.run(['/bin/sh', '-c',
      `head -c ${bytes} /dev/zero | "${curl}" -sS -T - -H Expect: -w ' %{http_code}' "${gateway.url}"`],
    { patience: limit });
    assert.equal(code, 0, output);
    const [received, status] = output.split(' ').map(Number);
    assert.equal(status, 200);
    assert.ok(received > bytes, `${received} bytes arrived, chunk heads included`);
    checkPeak(gateway);
  },

  'a reader that stands still holds the server back': async (scene) => {
    let sender = null;
    const server = net.createServer((socket) => {
      const block = Buffer.alloc(1 << 18);
      const pump = () => {
        while (socket.write(block));
        socket.once('drain', pump);
      };
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`, pump);
      sender = socket;
    });
    const gateway = await scene.gateway(upstream([await scene.listen(server)]));
    const before = peak(gateway);
    const client = net.connect(gateway.port, '127.0.0.1');
    scene.closers.push(() => client.destroy());
    client.on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    client.pause();
    let last = 0;
    let same = 0;
    await until('the server is held back', () => {
      // Not counted by `drain`: Node may write megabytes at a go and then be held back before the first such event.
      const taken = sender ? sender.bytesWritten - sender.writableLength : 0;
      same = taken === last ? same + 1 : 0;
      last = taken;
      return taken > 0 && same > 50;
    });
    console.log(`  ${last} bytes were taken, most of them by the kernel`);
    assert.ok(last < 64 * 1024 ** 2, `${last} bytes were taken for a client that reads nothing`);
    assert.ok(peak(gateway) - before < 16 * 1024, `${before} KiB grew to ${peak(gateway)} KiB`);
  },
}, undefined, limit);
