// Invitations by mail against a real SMTP server: what arrives, what a wrong address and a relay that is down lead to, what
// stays on disk over a restart, and what there is without a relay.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT, Server, freePort, until } from '../support/server.mjs';
import { tokenOf } from '../support/signal.mjs';

let skip = false;
try {
  execFileSync('/usr/bin/python3', ['-c', 'import aiosmtpd'], { stdio: 'ignore' });
} catch {
  skip = 'python3-aiosmtpd is not installed';
}
const REFUSED = 'nobody@example.org';
let work, folder, port, relay, server, token, event;

/** A relay on the port; its end is awaited when its input is closed. */
async function startRelay() {
  const child = spawn('/usr/bin/python3', [path(ROOT, 'tests/support/smtp-sink.py'), folder, String(port), REFUSED], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data) => { said += data; });
  await until('the relay', () => said.includes('ready'));
  return { stop: () => new Promise((resolve) => { child.on('exit', resolve); child.stdin.end(); }) };
}

async function ask(to, body) {
  const answer = await to.fetch(`/api/v1/events/${event}/invitations`, {
    method: body === undefined ? 'GET' : 'POST', ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  return { status: answer.status, json: await answer.json() };
}

const mails = () => readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => JSON.parse(readFileSync(path(folder, name), 'utf8')));
const mailTo = (address) => until(`a mail to ${address}`, () => mails().find(({ to }) => to.includes(address)), { deadlineMs: 30000 });
const stateOf = (address, state) => until(`${address} to be ${state}`, async () => {
  const { json } = await ask(server);
  const one = json.items.find((item) => item.address === address);
  if (one?.state === state) return one;
  throw new Error(JSON.stringify(one));
}, { deadlineMs: 30000 });

/** Header and decoded parts of a message, by Python's own parser. */
function parse(data) {
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', `
import email, email.policy, json, sys
m = email.message_from_string(sys.stdin.read(), policy=email.policy.default)
print(json.dumps({"headers": [[k, str(v)] for k, v in m.items()], "parts": [{"type": p.get_content_type(), "file": p.get_filename(), "text": p.get_content()} for p in m.iter_parts()]}))`],
  { input: data, encoding: 'utf8' }));
}

async function open(target) {
  token = tokenOf(target.link('facilitator'));
  const { event: found } = await target.json('/api/v1/join', { headers: { authorization: `Bearer ${token}` } });
  event = found.id;
}

before(async () => {
  if (skip) return;
  work = mkdtempSync(path(tmpdir(), 'manabi-mail-'));
  folder = path(work, 'inbox');
  mkdirSync(folder);
  port = await freePort();
  writeFileSync(path(work, 'manabi.ini'), `[mail]\nrelay = smtp://127.0.0.1:${port}\nfrom = Manabi 学び <events@manabi.example.org>\nneeds_tls = off\n`);
  relay = await startRelay();
  server = await Server.start({ args: ['--config', path(work, 'manabi.ini')] });
  await open(server);
});

after(async () => {
  await server?.stop();
  await relay?.stop();
  if (work) rmSync(work, { recursive: true, force: true });
});

test('each person gets a link of his own, in his language, with the calendar', { skip, timeout: 60000 }, async () => {
  const { status, json } = await ask(server, {
    role: 'interpreter', note: '資料は前日に送ります。',
    people: [{ name: '山本 直子', address: 'yamamoto@example.org', language: 'ja' }, { name: 'K. Suzuki', address: 'suzuki@example.org' }],
  });
  assert.equal(status, 201, JSON.stringify(json));
  assert.equal(json.has_relay, true);
  assert.deepEqual(json.items.map(({ state, eml }) => [state, eml]), [['waiting', null], ['waiting', null]]);
  const mail = await mailTo('yamamoto@example.org');
  assert.equal(mail.from, 'events@manabi.example.org');
  const { headers, parts } = parse(mail.data);
  const header = (name) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  assert.equal(header('to'), '山本 直子 <yamamoto@example.org>');
  assert.equal(header('from'), 'Manabi 学び <events@manabi.example.org>');
  assert.match(header('subject'), /^ご案内：/);
  const link = parts[0].text.match(/http\S+\/join\?lang=ja#\S+/)[0];
  assert.ok(parts[0].text.includes('山本 直子 様') && parts[0].text.includes('通訳者') && parts[0].text.includes('資料は前日に送ります。'), parts[0].text);
  assert.equal(parts[1].type, 'text/calendar');
  assert.ok(parts[1].text.includes('BEGIN:VTIMEZONE') && parts[1].text.replace(/\r?\n /g, '').includes(tokenOf(link)), parts[1].text);
  const joined = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${tokenOf(link)}` } });
  assert.deepEqual([joined.role, joined.label], ['interpreter', '山本 直子']);
  const other = parse((await mailTo('suzuki@example.org')).data);
  assert.match(other.headers.find(([key]) => key === 'Subject')[1], /^Invitation: /);
  assert.ok(other.parts[0].text.includes('Dear K. Suzuki'));
  const sent = await stateOf('suzuki@example.org', 'sent');
  assert.ok(sent.sent_at !== null && sent.reason === null);
});

test('an address that the relay does not know fails with its words', { skip, timeout: 60000 }, async () => {
  await ask(server, { role: 'participant', people: [{ name: 'Nobody', address: REFUSED }] });
  const failed = await stateOf(REFUSED, 'failed');
  assert.equal(failed.reason.code, 'refused');
  assert.match(failed.reason.detail, /no such mailbox here/);
});

test('nothing that is typed becomes a header, and no wrong address is taken', { skip, timeout: 60000 }, async () => {
  for (const [person, field] of [
    [{ name: 'A\r\nBcc: x@example.org', address: 'a@example.org' }, 'people[0].name'],
    [{ name: 'A', address: 'a@example.org\r\nBcc: x@example.org' }, 'people[0].address'],
    [{ name: 'A', address: 'a@example.org>' }, 'people[0].address'],
    [{ name: 'A', address: 'not an address' }, 'people[0].address'],
    [{ name: 'A', address: 'a@-example.org' }, 'people[0].address'],
  ]) {
    const { status, json } = await ask(server, { role: 'participant', people: [person] });
    assert.equal(status, 422, JSON.stringify(json));
    assert.deepEqual(json.errors.map((one) => one.field), [field]);
  }
  await ask(server, { role: 'participant', note: 'Bcc: everybody@example.org\n.\nMAIL FROM:<x@example.org>', people: [{ name: '"Bcc: x@example.org" <y@example.org>, Z', address: 'odd@example.org' }] });
  const { to, data } = await mailTo('odd@example.org');
  assert.deepEqual(to, ['odd@example.org']);
  const names = parse(data).headers.map(([key]) => key.toLowerCase());
  assert.equal(names.includes('bcc'), false);
  assert.equal(names.filter((one) => one === 'to').length, 1);
  const twice = await ask(server, { role: 'participant', people: [{ name: 'A', address: 'a@example.org' }, { name: 'B', address: 'A@example.org' }] });
  assert.deepEqual(twice.json.errors, [{ field: 'people[1].address', code: 'twice' }]);
});

test('a relay that is down is waited for, also by the next server, and a withdrawn link is not sent', { skip, timeout: 120000 }, async () => {
  await relay.stop();
  const { json } = await ask(server, { role: 'participant', people: [{ name: 'Late', address: 'late@example.org' }, { name: 'Gone', address: 'gone@example.org' }] });
  await until('a try', async () => (await ask(server)).json.items.some(({ reason, state }) => reason?.code === 'relay-down' && state === 'waiting'), { deadlineMs: 30000 });
  const gone = json.items.find(({ name }) => name === 'Gone');
  const revoked = await server.fetch(`/api/v1/links/${gone.link}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  assert.equal(revoked.status, 204);
  server.kill('manabi');
  await until('the server to be back', async () => (await server.fetch('/healthz')).ok, { deadlineMs: 20000 });
  relay = await startRelay();
  await until('the mail', () => mails().some(({ to }) => to.includes('late@example.org')), { deadlineMs: 60000 });
  const failed = await stateOf('gone@example.org', 'failed');
  assert.equal(failed.reason.code, 'link-revoked');
  assert.equal(mails().some(({ to }) => to.includes('gone@example.org')), false);
});

test('without a relay the message comes with the answer, to be sent by hand', { skip, timeout: 60000 }, async () => {
  const alone = await Server.start();
  try {
    await open(alone);
    const { json } = await ask(alone, { role: 'observer', people: [{ name: '田中', address: 'tanaka@example.org', language: 'ja' }] });
    assert.equal(json.has_relay, false);
    const [one] = json.items;
    assert.equal(one.state, 'handed-out');
    const { parts } = parse(one.eml);
    assert.ok(parts[0].text.includes(tokenOf(one.url)) && parts[1].type === 'text/calendar');
  } finally {
    await alone.stop();
  }
});
