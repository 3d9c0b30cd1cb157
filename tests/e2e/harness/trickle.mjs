// A WebSocket client that reads a little every 50 ms and keeps each byte as it came.
import { once } from 'node:events';
import net from 'node:net';

// After the handshake. `ended` says how the connection ended.
export async function trickle(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /app/key HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const pieces = [];
  // What the socket has read by itself: at most its buffer.
  const timer = setInterval(() => {
    const piece = socket.read();
    if (piece) pieces.push(piece);
  }, 50);
  const ended = new Promise((resolve) => {
    socket.on('end', () => resolve('end of stream'));
    socket.on('error', (error) => resolve(error.code));
  }).finally(() => {
    clearInterval(timer);
    socket.destroy();
  });
  return {
    ended,
    size: () => pieces.reduce((sum, piece) => sum + piece.length, 0),
    bytes: () => Buffer.concat(pieces),
  };
}

// The whole frames behind the head of an answer, and what begins after the last of them.
export function readFrames(bytes) {
  let at = bytes.indexOf('\r\n\r\n') + 4;
  const frames = [];
  while (at + 2 <= bytes.length) {
    let size = bytes[at + 1] & 0x7f;
    let start = at + 2;
    if (size === 126 && start + 2 <= bytes.length) {
      size = bytes.readUInt16BE(start);
      start += 2;
    } else if (size === 127 && start + 8 <= bytes.length) {
      size = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    if (start + size > bytes.length) break;
    frames.push({ opcode: bytes[at] & 0x0f, payload: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return { frames, rest: bytes.subarray(at) };
}
