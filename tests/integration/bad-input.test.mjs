// Each kind of bad input gets a clear answer that says what is wrong; the server stays up and nothing is lost.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

let server;
let session;
before(async () => {
  server = await Server.start();
  const { session: current } = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(server.link('participant'))}` } });
  session = current.id;
});
after(() => server?.stop());

const problem = async (path, options) => {
  const response = await server.fetch(path, options);
  assert.match(response.headers.get('content-type'), /^application\/problem\+json/, `${path} answers ${response.status} as a problem`);
  const body = await response.json();
  assert.equal(body.status, response.status);
  assert.ok(body.code && body.detail, 'it has a code to translate and a detail to read');
  return { status: response.status, code: body.code, detail: body.detail, errors: body.errors };
};

test('a bad link and a revoked one are told apart', async () => {
  const bad = await problem('/api/v1/join', { headers: { authorization: `Bearer ${'B'.repeat(43)}` } });
  assert.deepEqual([bad.status, bad.code], [401, 'link-unknown']);
  const bearer = { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` };
  const { event } = await server.json('/api/v1/join', { headers: bearer });
  const link = await server.json(`/api/v1/events/${event.id}/links`, {
    method: 'POST', headers: { ...bearer, 'content-type': 'application/json' }, body: JSON.stringify({ role: 'participant', label: 'for a test' }),
  });
  const guest = await SignalClient.join(server.url, tokenOf(link.url), 'Guest');
  const gone = await server.fetch(`/api/v1/links/${link.id}`, { method: 'DELETE', headers: { ...bearer, 'content-type': 'application/json' } });
  assert.equal(gone.status, 204);
  await until('the open connection of a revoked link to close', () => guest.closed, { deadlineMs: 2000 });
  const revoked = await problem('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(link.url)}` } });
  assert.deepEqual([revoked.status, revoked.code], [401, 'link-revoked']);
});

test('an expired link says so', async () => {
  const bearer = { authorization: `Bearer ${tokenOf(server.link('facilitator'))}` };
  const { event } = await server.json('/api/v1/join', { headers: bearer });
  const link = await server.json(`/api/v1/events/${event.id}/links`, {
    method: 'POST', headers: { ...bearer, 'content-type': 'application/json' },
    body: JSON.stringify({ role: 'participant', label: '', expires_at: new Date(Date.now() + 1500).toISOString() }),
  });
  const answer = await until('the link to expire', async () => {
    const response = await server.fetch('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(link.url)}` } });
    return response.status === 401 ? response.json() : null;
  });
  assert.equal(answer.code, 'link-expired');
});

test('a foreign origin may not change anything', async () => {
  const answer = await problem('/api/v1/sign-in', {
    method: 'POST', headers: { origin: 'https://evil.example', 'content-type': 'application/json' }, body: '{"user":"a","password":"b"}',
  });
  assert.equal(answer.status, 403);
});

test('malformed JSON, a wrong type and an unknown area are named', async () => {
  const bearer = { authorization: `Bearer ${tokenOf(server.link('facilitator'))}`, 'content-type': 'application/json' };
  const { event } = await server.json('/api/v1/join', { headers: bearer });
  const patch = (body) => problem(`/api/v1/events/${event.id}`, { method: 'PATCH', headers: bearer, body });
  assert.equal((await patch('{"title_en":')).status, 400);
  assert.equal((await patch('['.repeat(60000))).status, 400);
  const type = await patch('{"duration_s":"long"}');
  assert.equal(type.status, 422);
  assert.equal(type.errors[0].field, 'duration_s');
  const area = await patch('{"area":"astrology"}');
  assert.equal(area.status, 422);
  assert.equal(area.errors[0].field, 'area');
  const large = await server.fetch(`/api/v1/events/${event.id}`, { method: 'PATCH', headers: bearer, body: `{"summary_en":"${'x'.repeat(200000)}"}` });
  assert.equal(large.status, 413);
});

test('hostile SDP by WHIP is refused and says why', async () => {
  const facilitator = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Host');
  await facilitator.ask('start-session').catch(() => {});
  const token = await server.cli('token', '--session', session, '--may', 'publish');
  const post = (body, headers = {}) =>
    problem(`/whip/${session}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp', ...headers }, body });
  for (const body of ['', 'v=0', 'hello', 'v=0\r\n'.repeat(5000), `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n${'m=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(500)}`]) {
    const answer = await post(body);
    assert.ok([400, 406, 413, 422].includes(answer.status), `${body.slice(0, 20)}: ${answer.status} ${answer.code}`);
  }
  assert.equal((await post('v=0', { 'content-type': 'text/plain' })).status, 415);
  assert.equal((await problem(`/whip/${session}`, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: 'v=0' })).status, 401);
  const watcher = await server.cli('token', '--session', session, '--may', 'receive');
  assert.equal((await post('v=0', { authorization: `Bearer ${watcher}` })).status, 403);
});

test('hostile signalling closes that connection only', async () => {
  const good = await SignalClient.join(server.url, tokenOf(server.link('participant')), 'Good');
  for (const text of ['not json', '{"kind":"hello"}', '[]', '{"kind":"hello","id":1,"token":5}', '{'.repeat(2000), `{"kind":"${'x'.repeat(70000)}"}`]) {
    const bad = await SignalClient.connect(server.url);
    bad.socket.send(text);
    await until(`the socket to close after ${text.slice(0, 20)}`, () => bad.closed, { deadlineMs: 8000 });
  }
  await good.ask('chat', { text: 'still here', key: 'still' });
});

test('a film that is not one is refused with a reason', { timeout: 60000 }, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'manabi-film-'));
  const path = join(dir, 'talk.mp4');
  writeFileSync(path, `#EXTM3U\nfile:///etc/passwd\n`);
  await assert.rejects(
    server.cli('import', path, '--city', '40100', '--area', 'urban-planning', '--title', 'Not a film', '--wait'),
    (error) => /not (a film|one)|not-a-film/i.test(error.stderr),
  );
  await assert.rejects(server.cli('import', join(dir, 'nothing.mp4'), '--city', '40100', '--area', 'urban-planning', '--title', 'Gone'), (error) => /nothing\.mp4/.test(error.stderr));
  await assert.rejects(server.cli('import', path, '--city', '99999', '--area', 'urban-planning', '--title', 'Nowhere'), (error) => /city.*99999|99999.*city/i.test(error.stderr));
  rmSync(dir, { recursive: true });
});

test('start says what is in the way', { timeout: 60000 }, async () => {
  const state = mkdtempSync(join(tmpdir(), 'manabi-start-'));
  const program = join(ROOT, 'build/server/manabi');
  const serve = (args, env = {}) => {
    const { status, stderr, stdout } = spawnSync(program, ['serve', '--state', state, ...args], { encoding: 'utf8', timeout: 20000, env: { ...process.env, ...env } });
    return { status, text: stderr + stdout };
  };
  const taken = createServer();
  await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const busy = serve(['--port', String(taken.address().port)]);
  taken.close();
  assert.notEqual(busy.status, 0);
  assert.match(busy.text, new RegExp(`port.*${busy.port ?? ''}.*(in use|taken)`, 'i'));

  writeFileSync(join(state, 'bad.ini'), '[media]\nworkerz=2\n');
  const config = serve(['--config', join(state, 'bad.ini'), '--port', '0']);
  assert.notEqual(config.status, 0);
  assert.match(config.text, /workerz/);

  writeFileSync(join(state, 'nginx.ini'), '[front]\nnginx=/nonexistent/nginx\n');
  const nginx = serve(['--port', '0'], { PATH: '/nonexistent' });
  if (nginx.status !== 0) assert.match(nginx.text, /nginx/);

  const same = serve(['--state', server.state, '--port', '0']);
  assert.notEqual(same.status, 0);
  assert.match(same.text, /already|another|running/i);
  rmSync(state, { recursive: true });
});
