// WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03), rule by rule, as a client of somebody else would meet them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

const fixture = (name) => readFileSync(join(ROOT, 'tests/fixtures/sdp', name), 'utf8');
const OFFER = fixture('chromium-publish.sdp');
const PLAYER = fixture('firefox-whep.sdp');
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const UFRAG = OFFER.match(/a=ice-ufrag:(\S+)/)[1];
const RESTART = (name) => `a=ice-ufrag:${name}\r\na=ice-pwd:0123456789012345678901\r\n`;

let server, facilitator, session, publish, receive;

before(async () => {
  server = await Server.start();
  facilitator = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Mika Sato');
  session = facilitator.welcome.state.session.id;
  publish = await server.cli('token', '--session', session, '--may', 'publish');
  receive = await server.cli('token', '--session', session, '--may', 'receive');
});
after(async () => {
  facilitator?.close();
  await server?.stop();
});

const call = (method, path, { token = publish, body, type, ...headers } = {}) =>
  server.fetch(new URL(path, server.url).pathname, {
    method,
    body,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...(type ? { 'content-type': type } : {}), ...headers },
  });
const post = (path, options) => call('POST', path, { body: OFFER, type: 'application/sdp', ...options });
const patch = (path, body, match, options) => call('PATCH', path, { body, type: FRAGMENT, ...(match ? { 'if-match': match } : {}), ...options });

async function assertProblem(response, status, code, detail) {
  assert.equal(response.status, status);
  assert.match(response.headers.get('content-type'), /^application\/problem\+json/);
  const problem = await response.json();
  assert.equal(problem.code, code, problem.detail);
  assert.equal(problem.status, status);
  assert.match(problem.detail, detail);
}

test('before the start nobody publishes, and is told so', { timeout: 30000 }, async () => {
  await assertProblem(await post(`/whip/${session}`), 409, 'not-live', /has not started/);
  await facilitator.ask('start-session');
});

for (const [door, offer, tokenName] of [['whip', OFFER, 'publish'], ['whep', PLAYER, 'receive']]) {
  test(`${door}: POST makes a resource, PATCH trickles and restarts, DELETE ends it`, { timeout: 30000 }, async () => {
    const token = tokenName === 'publish' ? publish : receive;
    const made = await post(`/${door}/${session}`, { token, body: offer });
    assert.equal(made.status, 201);
    assert.match(made.headers.get('content-type'), /^application\/sdp/);
    assert.equal(made.headers.get('accept-patch'), FRAGMENT);
    const etag = made.headers.get('etag');
    assert.match(etag, /^"[^"]+"$/);
    const location = new URL(made.headers.get('location'), `${server.url}/${door}/${session}`);
    assert.match(location.pathname, new RegExp(`^/${door}/${session}/resource/`));
    const answer = await made.text();
    assert.match(answer, /a=setup:passive\r\n/);
    assert.match(answer, /a=ice-lite\r\n/);
    assert.match(answer, /a=candidate:\d+ 1 udp \d+ \S+ \d+ typ host\r\n/);
    assert.match(answer, /a=candidate:\d+ 1 tcp \d+ \S+ \d+ typ host tcptype passive\r\n/);
    // candidates: UDP before TCP, whatever the address
    const priorities = (kind) => [...answer.matchAll(new RegExp(`a=candidate:\\d+ 1 ${kind} (\\d+) `, 'g'))].map(([, n]) => Number(n));
    assert.ok(Math.min(...priorities('udp')) > Math.max(...priorities('tcp')));

    const ours = offer.match(/a=ice-ufrag:(\S+)/)[1];
    const trickle = `a=ice-ufrag:${ours}\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\na=end-of-candidates\r\n`;
    const trickled = await patch(location, trickle, etag, { token });
    assert.equal(trickled.status, 204);
    assert.equal(trickled.headers.get('etag'), null, 'trickle makes no new ICE session');
    await assertProblem(await patch(location, trickle, null, { token }), 428, 'precondition-required', /If-Match/);
    await assertProblem(await patch(location, trickle, '"other"', { token }), 412, 'precondition-failed', /ETag/);
    await assertProblem(await patch(location, trickle, `W/${etag}`, { token }), 412, 'precondition-failed', /If-Match/);
    await assertProblem(await patch(location, '{"candidate":1}', etag, { token }), 400, 'bad-sdp', /fragment/);
    await assertProblem(await patch(location, trickle, etag, { token, type: 'application/json' }), 415, 'wrong-type', /trickle-ice-sdpfrag/);
    assert.equal((await patch(location, trickle, etag, { token, type: 'application/json' })).headers.get('accept-patch'), FRAGMENT);

    const restarted = await patch(location, RESTART('fresh'), '*', { token });
    assert.equal(restarted.status, 200);
    assert.match(restarted.headers.get('content-type'), /^application\/trickle-ice-sdpfrag/);
    const fresh = restarted.headers.get('etag');
    assert.notEqual(fresh, etag);
    const fragment = await restarted.text();
    assert.match(fragment, /a=ice-ufrag:/);
    assert.notEqual(fragment.match(/a=ice-ufrag:(\S+)/)[1], answer.match(/a=ice-ufrag:(\S+)/)[1]);
    await assertProblem(await patch(location, RESTART('fresh'), etag, { token }), 412, 'precondition-failed', /earlier/);
    assert.equal((await patch(location, RESTART('fresh'), fresh, { token })).status, 204, 'the same ufrag again is trickle');

    await assertProblem(await call('GET', location, { token }), 405, 'method-not-allowed', /PATCH, DELETE|DELETE, PATCH/);
    const other = await server.cli('token', '--session', session, '--may', tokenName);
    await assertProblem(await call('DELETE', location, { token: other }), 404, 'not-found', /./);
    assert.equal((await call('DELETE', location, { token })).status, 200);
    await assertProblem(await call('DELETE', location, { token }), 404, 'not-found', /./);
    await assertProblem(await patch(location, trickle, fresh, { token }), 404, 'not-found', /./);
  });

  test(`${door}: what is wrong with a POST is named`, { timeout: 30000 }, async () => {
    const path = `/${door}/${session}`;
    const token = tokenName === 'publish' ? publish : receive;
    const wrong = await post(path, { token, type: 'text/plain' });
    assert.equal(wrong.headers.get('accept-post'), 'application/sdp');
    await assertProblem(wrong, 415, 'wrong-type', /application\/sdp/);
    const nobody = await post(path, { token: null });
    assert.match(nobody.headers.get('www-authenticate'), /^Bearer/);
    await assertProblem(nobody, 401, 'not-signed-in', /link/);
    await assertProblem(await post(path, { token: 'x'.repeat(43) }), 401, 'link-unknown', /./);
    if (door === 'whip') await assertProblem(await post(path, { token: receive }), 403, 'not-allowed', /role/);
    await assertProblem(await post(path, { token, body: '' }), 400, 'bad-sdp', /v=/);
    await assertProblem(await post(path, { token, body: offer.replace(/a=fingerprint[^\n]*\n/g, '') }), 400, 'bad-sdp', /m-line 1.*fingerprint/);
    await assertProblem(await post(path, { token, body: offer.replace(/a=setup:\S+/g, 'a=setup:passive') }), 400, 'bad-sdp', /line \d+ .*m-line 1.*setup/);
    await assertProblem(await post(path, { token, body: offer.replace(/opus\/48000\/2/g, 'speex/16000').replace(/VP8|H264/g, 'H265') }), 406, 'no-common-codec', /./);
    await assertProblem(await post(path, { token, body: `v=0\r\n${'a=x\r\n'.repeat(20000)}` }), 413, 'too-large', /65536/);
    await assertProblem(await call('PUT', path, { token, body: offer, type: 'application/sdp' }), 405, 'method-not-allowed', /POST/);
    const options = await call('OPTIONS', path, { token: null, origin: 'https://encoder.example', 'access-control-request-method': 'POST' });
    assert.equal(options.status, 204);
    assert.match(options.headers.get('allow'), /POST/);
    assert.equal(options.headers.get('access-control-allow-origin'), '*');
    assert.match(options.headers.get('access-control-expose-headers') ?? '', /Location/i);
    assert.equal(options.headers.get('accept-post'), 'application/sdp');
  });
}

test('a second encoder of the same link comes back as itself, and its first resource is gone', { timeout: 30000 }, async () => {
  const first = await post(`/whip/${session}`);
  const second = await post(`/whip/${session}`);
  assert.deepEqual([first.status, second.status], [201, 201]);
  await call('DELETE', second.headers.get('location'));
  await call('DELETE', first.headers.get('location'));
});

test('a token has an end', { timeout: 30000 }, async () => {
  const brief = await server.cli('token', '--session', session, '--may', 'receive', '--expires-in', '1');
  const refused = await until('the token to expire', async () => {
    const response = await post(`/whep/${session}`, { token: brief, body: PLAYER });
    return response.status === 401 ? response : null;
  });
  await assertProblem(refused, 401, 'link-expired', /./);
});

/** A POST as it comes from an address out in the world: by the front door's own socket. */
function postFrom(address, token, body) {
  return new Promise((resolve, reject) => {
    const sent = request({
      socketPath: join(server.state, 'run/api.sock'), method: 'POST', path: `/whep/${session}`,
      headers: { host: 'localhost', 'x-forwarded-for': address, authorization: `Bearer ${token}`, 'content-type': 'application/sdp', 'content-length': Buffer.byteLength(body) },
    }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, retry: response.headers['retry-after'], text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('an address gets thirty new connections at once, and others do not feel it', { timeout: 60000 }, async () => {
  const answers = [];
  for (let i = 0; i < 40; i++) answers.push(await postFrom('203.0.113.5', receive, PLAYER));
  const made = answers.filter(({ status }) => status === 201).length;
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(made >= 30 && made < 40, `${made} of 40 were taken`);
  assert.equal(made + refused.length, 40);
  assert.ok(Number(refused[0].retry) >= 1);
  assert.equal(JSON.parse(refused[0].text).code, 'too-many');
  assert.equal((await postFrom('203.0.113.6', receive, PLAYER)).status, 201);
});

test('an SDP of any size is judged at once', { timeout: 60000 }, async () => {
  const lines = OFFER.split('\r\n');
  const hostile = [
    `${OFFER}${'a=ssrc-group:FID 1 2\r\n'.repeat(2500)}`,
    `${OFFER}${'a=rid:q send\r\n'.repeat(3900)}`.slice(0, 65000),
    `v=0\r\n${'m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n'.repeat(1900)}`,
    lines.map((line) => (line.startsWith('a=group:') ? `a=group:BUNDLE ${'0 '.repeat(900)}1` : line)).join('\r\n'),
    `v=0\r\ns=${'x'.repeat(64000)}\r\n`,
  ];
  for (const body of hostile) {
    const begun = performance.now();
    const response = await post(`/whip/${session}`, { body });
    await response.text();
    assert.ok([201, 400, 406, 413].includes(response.status), `${response.status}`);
    assert.ok(performance.now() - begun < 2000);
    if (response.status === 201) await call('DELETE', response.headers.get('location'));
  }
});

test('what is no frame on the TCP port of media is closed at once', { timeout: 30000 }, async () => {
  const made = await post(`/whep/${session}`, { token: receive, body: PLAYER });
  const [, address, port] = (await made.text()).match(/a=candidate:\d+ 1 tcp \d+ (127\.0\.0\.1) (\d+) typ host tcptype passive/);
  const socket = connect(Number(port), address);
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until('the worker to close it', () => new Promise((resolve) => { socket.once('close', () => resolve(true)); }));
  await call('DELETE', made.headers.get('location'), { token: receive });
});
