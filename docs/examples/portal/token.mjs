import { sign } from 'node:crypto';

/** Seconds for which a token opens Grafana. The page asks for a new one before that. */
export const LIFETIME = 15 * 60;

/**
 * Signs the token that opens one organisation of Grafana to one person: a JWT with ES256.
 *
 * Every claim comes from the portal's own sign-in, nothing from the request.
 */
export function signToken(privateKey, { user, organization, issuer }, lifetime = LIFETIME) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    aud: 'grafana',
    // The login in Grafana. With the prefix it can be no login that exists already, such as admin.
    sub: `portal:${organization}:${user}`,
    orgs: [organization],
    iat: now,
    nbf: now - 30,
    exp: now + lifetime,
  };
  const head = [{ alg: 'ES256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  // A JWT wants the two numbers of the signature as they are, not in ASN.1.
  const signature = sign('sha256', Buffer.from(head), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${head}.${signature.toString('base64url')}`;
}
