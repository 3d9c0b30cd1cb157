// Certificates by the openssl program: an authority, and what it issues, as files of a scene.
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

import { needProgram } from './needs.mjs';

export const openssl = needProgram('openssl');

const run = (...command) => execFileSync(openssl, command, { stdio: 'pipe' });

export class Authority {
  constructor(scene, name = 'authority') {
    this.scene = scene;
    this.name = name;
    this.count = 0;
    this.certificate = scene.file(`${name}.pem`);
    this.key = scene.file(`${name}.key`);
    run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', `/CN=${name}`, '-keyout', this.key, '-out', this.certificate);
  }

  // A certificate for these DNS names and 127.0.0.1; `rsa` chooses the type of its key, `responder` is a URL for OCSP,
  // and `chained` puts the authority's certificate behind it.
  issue(names, { rsa = false, days = 1, responder = '', chained = false } = {}) {
    const base = this.scene.file(`${this.name}-${++this.count}`);
    const issued = { certificate: `${base}.pem`, key: `${base}.key` };
    const kind = rsa ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    run('req', '-newkey', ...kind, '-nodes', '-subj', `/CN=${names[0]}`, '-keyout', issued.key, '-out', `${base}.csr`);
    const access = responder ? `authorityInfoAccess=OCSP;URI:${responder}\n` : '';
    writeFileSync(`${base}.ext`, `subjectAltName=IP:127.0.0.1,${names.map((name) => `DNS:${name}`).join(',')}\n${access}`);
    run('x509', '-req', '-in', `${base}.csr`, '-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial',
      '-days', String(days), '-extfile', `${base}.ext`, '-out', issued.certificate);
    if (chained) appendFileSync(issued.certificate, readFileSync(this.certificate));
    return issued;
  }

  // What `openssl ocsp` answers to this request (DER); the certificate is `good` or revoked.
  answer(request, issued, good = true) {
    const base = this.scene.file(`${this.name}-ocsp-${++this.count}`);
    const serial = String(run('x509', '-in', issued.certificate, '-noout', '-serial')).trim().split('=')[1];
    const state = good ? 'V\t491231235959Z\t' : 'R\t491231235959Z\t250101000000Z,keyCompromise';
    writeFileSync(`${base}.index`, `${state}\t${serial}\tunknown\t/CN=any\n`);
    writeFileSync(`${base}.request`, request);
    run('ocsp', '-index', `${base}.index`, '-CA', this.certificate, '-rsigner', this.certificate, '-rkey', this.key,
      '-reqin', `${base}.request`, '-respout', `${base}.response`, '-nmin', '30');
    return readFileSync(`${base}.response`);
  }
}
