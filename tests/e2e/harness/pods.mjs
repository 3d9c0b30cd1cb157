// Pods that do to their sockets what the demo pod does not.
import crypto from 'node:crypto';
import http from 'node:http';

// One whose every socket stands within a frame of 1,000 bytes, of which ten were sent. `cut()` ends them so.
export async function tornPod(scene) {
  const sockets = [];
  const server = http.createServer();
  server.on('upgrade', (request, socket) => {
    const accept = crypto.createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
      + `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write(Buffer.from([0x82, 126, 1_000 >> 8, 1_000 & 0xff, ...Buffer.alloc(10, 'x')]));
    socket.on('error', () => {});
    sockets.push(socket);
  });
  const port = await scene.listen(server);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  scene.closers.push(cut);
  return { port, cut };
}

// One that sends each socket `count` messages of a megabyte at once, each filled with its number; with `interval`, a
// number as text every so many milliseconds as well, until the socket gets a Close. `said` is how many of those.
export async function talkingPod(scene, WebSocketServer, { count = 0, interval = 0 } = {}) {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  const pod = { port: await scene.listen(server), said: 0, closes: [] };
  scene.closers.push(() => sockets.clients.forEach((socket) => socket.terminate()));
  sockets.on('connection', (socket) => {
    for (let i = 0; i < count; ++i) socket.send(Buffer.alloc(1 << 20, i));
    const timer = interval ? setInterval(() => {
      if (socket.readyState === socket.OPEN) socket.send(String(pod.said++));
    }, interval) : undefined;
    socket.on('close', (code, reason) => {
      clearInterval(timer);
      pod.closes.push({ code, reason: reason.toString() });
    });
  });
  return pod;
}
