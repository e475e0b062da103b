// A customer portal with a panel and a dashboard of Streamlens in frames.
//
//   GRAFANA_URL=https://stats.site.example PORTAL_URL=https://portal.site.example PORTAL_KEY=portal.key.pem node portal.mjs

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { LIFETIME, signToken } from './token.mjs';

const { GRAFANA_URL, PORTAL_URL, PORTAL_KEY, PORT = '8080' } = process.env;
const privateKey = createPrivateKey(readFileSync(PORTAL_KEY));
const page = readFileSync(new URL('portal.html', import.meta.url), 'utf8');

// They stand in for your own sign-in, which knows who somebody is and to which organisation they belong.
const users = {
  alice: { password: 'alice-secret', organization: 'acme' },
  gus: { password: 'gus-secret', organization: 'globex' },
  pam: { password: 'pam-secret', organization: 'partner' },
};

/** Returns who sends a request, undefined if it is nobody that is known. */
function signedIn(request) {
  const credentials = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
  const [user, password] = credentials.split(':');
  return Object.hasOwn(users, user) && users[user].password === password
    ? { user, organization: users[user].organization }
    : undefined;
}

createServer((request, response) => {
  const person = signedIn(request);
  if (!person) {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="portal"' }).end('Sign in.');
    return;
  }
  const { pathname } = new URL(request.url, PORTAL_URL);
  if (request.method === 'GET' && pathname === '/') {
    response.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'self' 'unsafe-inline'; frame-src ${GRAFANA_URL}; frame-ancestors 'none'`,
    });
    response.end(page.replaceAll('GRAFANA_URL', GRAFANA_URL));
  } else if (request.method === 'POST' && pathname === '/token') {
    // Without CORS headers no other site can read the answer.
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(
      JSON.stringify({ token: signToken(privateKey, { ...person, issuer: PORTAL_URL }), lifetime: LIFETIME })
    );
  } else {
    response.writeHead(404).end();
  }
}).listen(Number(PORT), () => console.log(`The portal is at ${PORTAL_URL}`));
