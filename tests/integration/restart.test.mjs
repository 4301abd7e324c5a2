// The server is killed in mid-session and comes back: roster, hands in order, chat and session state are as before.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

let server;
before(async () => {
  server = await Server.start();
});
after(() => server?.stop());

const shape = ({ session, peers, chat, recording }) => ({
  session: { id: session.id, state: session.state, started_at: session.started_at },
  recording: recording.state,
  peers: peers.map(({ id, name, role, hand }) => ({ id, name, role, hand })).sort((a, b) => a.id.localeCompare(b.id)),
  chat: chat.map(({ id, peer, name, text }) => ({ id, peer, name, text })),
});

test('a killed server comes back with the same session', { timeout: 90000 }, async () => {
  const facilitatorToken = tokenOf(server.link('facilitator'));
  const participantToken = tokenOf(server.link('participant'));
  const facilitator = await SignalClient.join(server.url, facilitatorToken, 'Mika Sato');
  await facilitator.ask('start-session');
  const people = [];
  for (const name of ['田中 太郎', 'A. Rahman', 'Nguyễn Thị Hoa'])
    people.push(await SignalClient.join(server.url, participantToken, name));
  await people[2].ask('hand', { raised: true });
  await people[0].ask('hand', { raised: true });
  await people[1].ask('chat', { text: '防災の取り組みについて質問があります', key: 'k1' });
  await facilitator.ask('chat', { text: 'Welcome <b>all</b>', key: 'k1' });
  people[1] = await SignalClient.join(server.url, participantToken, 'x', { resume: people[1].welcome.resume });
  const before = shape(people[1].welcome.state);
  assert.equal(before.session.state, 'live');
  assert.equal(before.chat.length, 2);

  server.kill('manabi');
  await until('the sockets to close', () => facilitator.closed && people.every((person) => person.closed));
  const back = await until('the server to come back', () => SignalClient.join(server.url, facilitatorToken, 'Mika Sato', { resume: facilitator.welcome.resume }), { deadlineMs: 20000 });
  assert.equal(back.welcome.peer, facilitator.welcome.peer, 'the same peer again');
  for (const [index, person] of people.entries()) {
    const again = await SignalClient.join(server.url, participantToken, 'ignored', { resume: person.welcome.resume });
    assert.equal(again.welcome.peer, person.welcome.peer, `person ${index} is the same peer`);
    people[index] = again;
  }
  people[1] = await SignalClient.join(server.url, participantToken, 'x', { resume: people[1].welcome.resume });
  assert.deepEqual(shape(people[1].welcome.state), before);

  // A message whose answer was lost is sent again with its key, and is not said twice.
  await people[0].ask('chat', { text: 'once', key: 'k2' });
  await people[0].ask('chat', { text: 'once', key: 'k2' });
  const late = await SignalClient.join(server.url, participantToken, 'Late Comer');
  assert.equal(late.welcome.state.chat.filter(({ text }) => text === 'once').length, 1);
});

test('who is removed does not come back', { timeout: 30000 }, async () => {
  const facilitator = await SignalClient.join(server.url, tokenOf(server.link('facilitator')), 'Host');
  const guest = await SignalClient.join(server.url, tokenOf(server.link('participant')), 'Guest');
  await facilitator.ask('remove-peer', { peer: guest.welcome.peer });
  await until('the guest to be sent away', () => guest.closed);
  assert.equal(guest.closed.code, 4403);
  await assert.rejects(SignalClient.join(server.url, tokenOf(server.link('participant')), 'Guest', { resume: guest.welcome.resume }));
});

test('what a role may not do is refused', { timeout: 30000 }, async () => {
  const guest = await SignalClient.join(server.url, tokenOf(server.link('participant')), 'Curious');
  for (const [kind, fields] of [['end-session', {}], ['record', { on: true }], ['remove-peer', { peer: guest.welcome.peer }], ['start-session', {}]])
    await assert.rejects(guest.ask(kind, fields), { code: 'not-allowed' }, kind);
});

test('a foreign page and a wrong token are refused', { timeout: 30000 }, async () => {
  await assert.rejects(SignalClient.connect(server.url, { origin: 'https://evil.example' }), /403/);
  const stranger = await SignalClient.connect(server.url);
  await assert.rejects(stranger.ask('hello', { token: 'A'.repeat(43), name: 'Nobody', affiliation: '', language: 'en' }));
  await until('the socket to close', () => stranger.closed);
  assert.equal(stranger.closed.code, 4401);
});
