// A lesson over the real server, without a browser: lobby, slides, interpreters, polls, and what is left when it is over.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, until } from '../support/server.mjs';
import { SignalClient, tokenOf } from '../support/signal.mjs';

let server;
let event;
const tokens = {};
before(async () => {
  server = await Server.start();
  tokens.facilitator = tokenOf(server.link('facilitator'));
  tokens.participant = tokenOf(server.link('participant'));
  const facilitator = await join('facilitator', 'Mika');
  event = facilitator.welcome.state.session.event;
  const headers = { Authorization: `Bearer ${tokens.facilitator}`, 'Content-Type': 'application/json' };
  for (const role of ['interpreter', 'presenter', 'observer']) {
    const link = await server.json(`/api/v1/events/${event}/links`, { method: 'POST', headers, body: JSON.stringify({ role, label: role }) });
    tokens[role] = tokenOf(link.url);
  }
  await facilitator.ask('start-session');
  facilitator.close();
});
after(() => server?.stop());

const join = (role, name, options) => SignalClient.join(server.url, tokens[role], name, options);
const codeOf = (promise) => promise.then(() => 'ok', (error) => error.code ?? error.message);
const bearer = (role) => ({ Authorization: `Bearer ${tokens[role]}` });

/** A PDF of a few pages, written by hand. */
function makePdf(pages) {
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    `<</Type/Pages/Count ${pages}/Kids[${Array.from({ length: pages }, (_, i) => `${5 + i} 0 R`).join(' ')}]>>`,
    '<</Length 42>>\nstream\nBT /F1 48 Tf 60 300 Td (Manabi room) Tj ET\nendstream',
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
    ...Array.from({ length: pages }, () => '<</Type/Page/Parent 2 0 R/MediaBox[0 0 800 600]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>'),
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((body, i) => {
    const at = text.length;
    text += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return at;
  });
  const xref = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')}`;
  return `${text}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${xref}\n%%EOF\n`;
}

async function bring(presenter, body, { role = 'presenter', type = 'application/pdf', ticket } = {}) {
  const leave = ticket ? { ticket, path: `/api/v1/sessions/${presenter.welcome.state.session.id}/slides` } : await presenter.ask('upload-slides', { name: 'Waste' });
  return server.fetch(leave.path, { method: 'POST', body, headers: { ...bearer(role), 'Content-Type': type, 'Manabi-Ticket': leave.ticket } });
}

test('slides are brought with a ticket, shown to all, and refused with a reason', { timeout: 60000 }, async () => {
  const presenter = await join('presenter', 'Rei');
  const person = await join('participant', 'Ana');
  const { id: session } = person.welcome.state.session;
  assert.equal(await codeOf(person.ask('upload-slides', { name: 'Mine' })), 'not-allowed');
  const forged = await bring(presenter, makePdf(3), { ticket: 'x'.repeat(43) });
  assert.equal(forged.status, 403);
  assert.equal((await forged.json()).code, 'bad-ticket');
  assert.equal((await bring(presenter, makePdf(3), { type: 'text/plain' })).status, 415);
  const text = await bring(presenter, 'no slides at all');
  assert.equal(text.status, 422);
  assert.equal((await text.json()).code, 'not-a-pdf');
  assert.equal((await bring(presenter, Buffer.alloc(33 * 1024 * 1024 - 4096, '%PDF-1.4 '))).status, 413);

  const made = await bring(presenter, makePdf(11) + '%'.repeat(2 * 1024 * 1024));
  assert.equal(made.status, 202);
  const { id } = await made.json();
  const deckOf = ({ slides }) => slides.decks.find((deck) => deck.id === id);
  await person.event('slides', (told) => deckOf(told)?.state === 'ready' && deckOf(told).pages === 11, { deadlineMs: 40000 });
  await presenter.ask('show-slides', { deck: id });
  await presenter.ask('page', { page: 11 });
  await person.event('page', ({ deck, page }) => deck === id && page === 11);
  const page = `/api/v1/sessions/${session}/slides/${id}/11-large.jpg`;
  assert.equal((await server.fetch(page)).status, 401);
  const picture = await server.fetch(page, { headers: bearer('participant') });
  assert.equal(picture.status, 200);
  assert.equal(picture.headers.get('content-type'), 'image/jpeg');
  assert.match(picture.headers.get('cache-control'), /private/);
  assert.deepEqual([...new Uint8Array(await picture.arrayBuffer()).slice(0, 3)], [0xff, 0xd8, 0xff]);
  for (const [wrong, status] of [['12-large.jpg', 404], ['0-large.jpg', 404], ['1-huge.jpg', 404], ['deck.pdf', 404], ['..%2f..%2fcatalogue.db', 400]])
    assert.equal((await server.fetch(`/api/v1/sessions/${session}/slides/${id}/${wrong}`, { headers: bearer('participant') })).status, status, wrong);
  presenter.close();
  person.close();
});

test('a killed server comes back with lobby, hands, floor, poll and booth as they were', { timeout: 60000 }, async () => {
  const facilitator = await join('facilitator', 'Mika');
  const ana = await join('participant', 'Ana');
  const ben = await join('participant', 'Ben');
  const booth = await join('interpreter', '山本');
  await booth.ask('booth', { channel: 'ja' });
  await booth.ask('on-air', { on: true });
  await ben.ask('hand', { raised: true });
  await ana.ask('hand', { raised: true });
  await facilitator.ask('settings', { lobby: true });
  const { poll } = await facilitator.ask('poll', { text: 'Again?', options: ['yes', 'no'], is_multiple: false, is_anonymous: true, results: 'live', key: 'p' });
  await facilitator.ask('poll-state', { poll, state: 'open' });
  await ana.ask('vote', { poll, options: [0] });
  const late = await join('participant', 'Cleo');
  assert.equal(late.welcome.is_waiting, true);
  const people = { facilitator, ana, ben, booth, late };
  server.kill('manabi');
  await until('all lines to be cut', () => Object.values(people).every(({ closed }) => closed));
  const back = await until('the server', () => join('facilitator', 'Mika', { resume: facilitator.welcome.resume }));
  const again = await join('participant', 'Ana', { resume: ana.welcome.resume });
  const { state } = back.welcome;
  const handOf = (client) => state.peers.find(({ id }) => id === client.welcome.peer)?.hand;
  assert.deepEqual([handOf(ben), handOf(ana)], [1, 2]);
  assert.equal(state.settings.lobby, true);
  assert.deepEqual(state.lobby.map(({ name }) => name), ['Cleo']);
  assert.deepEqual(state.polls.find(({ id }) => id === poll).votes, [1, 0]);
  assert.equal(state.channels.find(({ channel }) => channel === 'ja').on_air, booth.welcome.peer);
  assert.deepEqual(again.welcome.state.mine.polls, { [poll]: [0] });
  const waiting = await join('participant', 'Cleo', { resume: late.welcome.resume });
  assert.equal(waiting.welcome.is_waiting, true);
  await back.ask('admit', { peer: waiting.welcome.peer });
  await waiting.hears('admitted', ({ kind }) => kind === 'admitted');
  await back.ask('settings', { lobby: false });
  for (const client of [back, again, waiting]) client.close();
});

test('floods get a clear limit and the line stays', { timeout: 60000 }, async () => {
  const ana = await join('participant', 'Flood');
  const all = await Promise.all(Array.from({ length: 9 }, () => codeOf(ana.ask('react', { name: 'clap' }))));
  assert.deepEqual([...new Set(all)].sort(), ['ok', 'too-many']);
  const hands = await Promise.all(Array.from({ length: 25 }, (_, i) => codeOf(ana.ask('hand', { raised: i % 2 === 0 }))));
  assert.equal(hands.filter((code) => code === 'too-many').length >= 4, true);
  await assert.rejects(ana.ask('react', { name: 'clap' }), /at most 5 reactions in 5 seconds/);
  for (const [kind, fields] of [['ask', { text: 'x'.repeat(501), key: 'a' }], ['ask', { text: 'a', key: 'a', more: 1 }], ['vote', { poll: 1, options: [0, 0] }]])
    assert.equal(await codeOf(ana.ask(kind, fields)), 'bad-message');
  assert.equal(ana.closed, null);
  ana.close();
});

test('when it is over, attendance, polls and chat are files', { timeout: 60000 }, async () => {
  const facilitator = await join('facilitator', 'Mika');
  const ana = await join('participant', '田中 "T" 花子');
  const { id: session } = facilitator.welcome.state.session;
  await ana.ask('chat', { text: '=HYPERLINK("http://x")', key: 'c' });
  await ana.ask('leave');
  await facilitator.ask('end-session');
  await until('the end', () => facilitator.closed);
  const base = `/api/v1/sessions/${session}`;
  assert.equal((await server.fetch(`${base}/summary`, { headers: bearer('participant') })).status, 403);
  const summary = await server.json(`${base}/summary`, { headers: bearer('facilitator') });
  assert.equal(summary.session.state, 'ended');
  assert.ok(summary.people.total >= 5 && summary.people.by_role.interpreter === 1);
  assert.equal(summary.polls.find(({ text }) => text === 'Again?').voters, 1);
  const read = async (name) => {
    const { path } = summary.files.find((file) => file.name === name);
    const file = await server.fetch(path, { headers: bearer('facilitator') });
    assert.match(file.headers.get('content-disposition'), /attachment/);
    return Buffer.from(await file.arrayBuffer()).toString('utf8');
  };
  const attendance = await read('attendance.csv');
  assert.ok(attendance.startsWith('\ufeffname,'));
  assert.match(attendance, /"田中 ""T"" 花子",,participant,/);
  assert.match(await read('chat.csv'), /"'=HYPERLINK\(""http:\/\/x""\)"/);
  assert.match(await read('polls.csv'), /Again\?,yes,1,1,yes,open,\r\n/);
  assert.equal((await server.fetch(`${base}/files/other.csv`, { headers: bearer('facilitator') })).status, 404);
});
