// Trying the line before a session, over HTTP: who may, how often, and what is refused in which words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';

const fixture = (name) => readFileSync(join(ROOT, 'tests/fixtures/sdp', name), 'utf8');
const PUBLISH = fixture('chromium-publish.sdp');
const RECEIVE = fixture('firefox-whep.sdp');
const AT_ONCE = 16;

let server, token;
before(async () => {
  server = await Server.start();
  token = tokenOf(server.link('participant'));
});
after(() => server?.stop());

const post = (body, { bearer = token } = {}) => server.fetch('/api/v1/line-check', {
  method: 'POST',
  headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
  body: JSON.stringify(body),
});

async function refused(response, status, code, detail = /./) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const problem = JSON.parse(text);
  assert.equal(problem.code, code, text);
  assert.match(problem.detail ?? '', detail, text);
}

test('only the link of an event opens it', async () => {
  await refused(await post({ publish: PUBLISH, receive: RECEIVE }, { bearer: null }), 401, 'link-unknown');
  await refused(await post({ publish: PUBLISH, receive: RECEIVE }, { bearer: 'x'.repeat(43) }), 401, 'link-unknown');
});

test('what does not fit is refused, and the message names the offer', async () => {
  await refused(await post({ publish: PUBLISH }), 422, 'invalid');
  await refused(await post({ publish: PUBLISH, receive: RECEIVE, more: 1 }), 422, 'invalid');
  await refused(await post({ publish: 1, receive: RECEIVE }), 422, 'invalid');
  await refused(await post({ publish: 'no sdp', receive: RECEIVE }), 400, 'bad-sdp', /^publish: /);
  await refused(await post({ publish: PUBLISH, receive: 'v=0\r\n' }), 400, 'bad-sdp', /^receive: /);
  await refused(await post({ publish: fixture('chromium-audio-only.sdp'), receive: RECEIVE }), 406, 'no-common-codec', /^publish: /);
  await refused(await post({ publish: PUBLISH, receive: PUBLISH }), 406, 'no-common-codec', /^receive: /);
  await refused(await post({ publish: PUBLISH, receive: 'v'.repeat(70000) }), 413, 'too-large');
});

test('before the session both answers take the picture alone, and so many checks run at once', async () => {
  for (let i = 0; i < AT_ONCE; i++) {
    const response = await post({ publish: PUBLISH, receive: RECEIVE });
    const text = await response.text();
    assert.equal(response.status, 201, `check ${i}: ${text}`);
    const { publish, receive, seconds } = JSON.parse(text);
    assert.ok(seconds > 5 && seconds <= 60, text);
    // The sound of the offer is refused: port 0.
    assert.match(publish, /^m=audio 0 /m);
    assert.match(publish, /^m=video 9 /m);
    assert.match(publish, /^a=recvonly\r$/m);
    assert.match(receive, /^m=video 9 /m);
    assert.match(receive, /^a=sendonly\r$/m);
    assert.match(receive, /^a=candidate:\d+ 1 udp /m);
    assert.match(receive, /^a=candidate:\d+ 1 tcp /m);
  }
  const full = await post({ publish: PUBLISH, receive: RECEIVE });
  assert.ok(Number(full.headers.get('retry-after')) > 0);
  await refused(full, 429, 'too-many', /try again/);
});
