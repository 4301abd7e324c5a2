// What an event's plan says of its room: lobby, agenda and capacity, before and while people are there, and after a restart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

let server;
let hostToken;
let guestToken;
let event;
before(async () => {
  server = await Server.start();
  hostToken = tokenOf(server.link('facilitator'));
  guestToken = tokenOf(server.link('participants'));
  ({ event } = await server.json('/api/v1/join', { headers: { authorization: `Bearer ${hostToken}` } }));
});
after(() => server?.stop());

const AGENDA = [
  { title_en: 'Welcome', title_ja: '挨拶', speaker: '佐藤 美香', duration_s: 600 },
  { title_en: 'Field report', title_ja: '', speaker: '', duration_s: 1200 },
];
const codeOf = (promise) => promise.then(() => 'ok', (error) => error.code ?? error.message);
const host = (options) => SignalClient.join(server.url, hostToken, 'Mika Sato', options);
const guest = (name, options) => SignalClient.join(server.url, guestToken, name, options);
const change = (fields) => server.json(`/api/v1/events/${event.id}`, {
  method: 'PATCH', body: JSON.stringify(fields),
  headers: { authorization: `Bearer ${hostToken}`, 'content-type': 'application/json' },
});

test('the room opens as it was planned, also for the very first who comes', { timeout: 30000 }, async () => {
  await change({ has_lobby: true, agenda: AGENDA });
  const early = await guest('Ana');
  assert.equal(early.welcome.is_waiting, true);
  const facilitator = await host();
  const { state } = facilitator.welcome;
  assert.equal(state.settings.lobby, true);
  assert.deepEqual(state.agenda, { items: AGENDA, current: -1, since: null });
  assert.deepEqual(state.lobby.map(({ name }) => name), ['Ana']);
  await Promise.all([early.ask('leave'), facilitator.ask('leave')]);
});

test('a changed plan changes the room, and leaves alone what it does not touch', { timeout: 60000 }, async () => {
  const facilitator = await host();
  await facilitator.ask('settings', { lobby: false });
  await change({ agenda: AGENDA.slice(1) });
  await facilitator.event('agenda', ({ agenda }) => agenda.items.length === 1);
  await facilitator.ask('agenda', { items: AGENDA });
  await change({ title_en: 'Another title' });
  const person = await guest('Bea');
  assert.equal(person.welcome.is_waiting ?? false, false);
  assert.equal(person.welcome.state.settings.lobby, false);
  assert.deepEqual(person.welcome.state.agenda.items, AGENDA);

  const { resume } = person.welcome;
  server.kill('manabi');
  await until('the line to break', () => person.closed !== null);
  const again = await until('the server to be back', () => guest('Bea', { resume }).catch(() => null), { deadlineMs: 20000 });
  assert.equal(again.welcome.state.settings.lobby, false);
  assert.deepEqual(again.welcome.state.agenda.items, AGENDA);
  await again.ask('leave');
});

test('a full session takes no participant, and always its facilitator', { timeout: 30000 }, async () => {
  await change({ capacity: 2 });
  const people = [await guest('Chi'), await guest('Dao')];
  assert.equal(await codeOf(guest('Eve')), 'room-full');
  const facilitator = await host();
  assert.equal(facilitator.welcome.role, 'facilitator');
  await Promise.all(people.map((person) => person.ask('leave')));
  assert.equal((await guest('Eve')).welcome.role, 'participant');
});
