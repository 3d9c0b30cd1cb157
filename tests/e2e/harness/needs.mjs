// What a test needs from the machine. Where it is missing the test is skipped, with the reason in its output.
import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

export function findProgram(name) {
  for (const folder of (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin')) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch { /* the next one */ }
  }
  return null;
}

export function needProgram(name, debianPackage = name) {
  return findProgram(name) ?? skip(`no ${name} here (package ${debianPackage})`);
}

// The Node packages live in the build directory, see install_node_packages.sh.
export function needPackage(name) {
  const folder = path.join(process.env.TIDEGATE_BUILD, 'tests/e2e/node');
  if (!existsSync(path.join(folder, 'complete'))) skip(`the Node package ${name} could not be installed (offline?)`);
  return createRequire(path.join(folder, 'package.json'))(name);
}
