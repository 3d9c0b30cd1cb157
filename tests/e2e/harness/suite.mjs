// The steps of one test program: each runs in a scene of its own, or in a shared one; the first exception fails it.
import { Scene } from './scene.mjs';

const patience = 60_000;
// Scenes clean up when the process exits; a signal alone would end it without that.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

let failures = 0;

async function inTime(work, limit) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Runs `steps` (an object of name: async (scene, shared) => {}) one after another. `prepare(scene)` makes what they
// share; what it started is ended after the last step.
export async function suite(steps, prepare = async () => ({}), limit = patience) {
  const scene = new Scene();
  try {
    const shared = await inTime(prepare(scene), limit);
    for (const [name, step] of Object.entries(steps)) {
      const own = new Scene();
      const began = Date.now();
      try {
        await inTime(step(own, shared), limit);
        console.log(`ok       ${name} (${Date.now() - began} ms)`);
      } catch (error) {
        ++failures;
        console.log(`FAILED   ${name}\n${error.stack}`);
        for (const program of [...own.programs, ...scene.programs]) {
          if (program.output) console.log(`--- output of ${program.name} ${program.pid}\n${program.output.slice(-3000)}`);
        }
      }
      await own.end();
    }
  } catch (error) {
    ++failures;
    console.log(`FAILED   to prepare\n${error.stack}`);
  }
  await scene.end();
  process.exit(failures === 0 ? 0 : 1);
}
