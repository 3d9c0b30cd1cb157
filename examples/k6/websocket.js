// The WebSocket load for k6 (https://k6.io): every virtual user opens a socket, waits for the greeting, has a message
// echoed, holds the socket a while, has another echoed, closes properly and begins anew.
//
//   k6 run -e URL=ws://127.0.0.1:8080/app/hex-ws websocket.js
//
// URL      where to connect (default: the listener of the quick start)
// CLIENTS  virtual users (default 1000)
// SECONDS  length of the run (default 30)
//
// The run fails if one handshake gets anything but 101, one message is not echoed while its socket is open, or one
// socket ends without a Close frame (k6 tells that as close code 1006).
import { check } from "k6";
import { Counter } from "k6/metrics";
import ws from "k6/ws";

const url =
  __ENV.URL || "ws://127.0.0.1:8080/app/hex-ws?protocol=7&client=js&version=7.4.1&flash=false";
const seconds = Number(__ENV.SECONDS || 30);

const lost = new Counter("sockets_lost");
const unechoed = new Counter("messages_unechoed");

export const options = {
  vus: Number(__ENV.CLIENTS || 1000),
  duration: `${seconds}s`,
  gracefulStop: "30s",
  thresholds: {
    checks: ["rate==1"],
    sockets_lost: ["count==0"],
    messages_unechoed: ["count==0"],
  },
};

// k6 evaluates a threshold only for metrics that got a value.
export function setup() {
  lost.add(0);
  unechoed.add(0);
}

export default function () {
  let waitingFor = null;
  let echoes = 0;
  const response = ws.connect(url, {}, (socket) => {
    const say = (text) => {
      waitingFor = text;
      socket.send(text);
    };
    socket.on("message", (text) => {
      if (text.includes('"pusher:error"')) return; // a leaving pod's word ahead of its Close
      if (text.includes("pusher:connection_established")) {
        say(`user ${__VU} iteration ${__ITER} first`);
        return;
      }
      if (text !== waitingFor) {
        unechoed.add(1);
        return;
      }
      waitingFor = null;
      echoes += 1;
      if (echoes === 2) {
        socket.close(1000);
        return;
      }
      socket.setTimeout(() => say(`user ${__VU} iteration ${__ITER} second`), 1000 + Math.random() * 3000);
    });
    socket.on("close", (code) => {
      if (code === 1006) lost.add(1);
      waitingFor = null; // a proper Close may come instead of an echo
    });
    socket.setTimeout(() => {
      if (waitingFor !== null || echoes === 0) unechoed.add(1);
      socket.close();
    }, 20000);
  });
  check(response, { "status is 101": (r) => r && r.status === 101 });
}
