import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_CLASSROOM, type Classroom, type Poll, type Question } from '../protocol/classroom';
import { applyClassroomEvent, applyClassroomMessage, CAPTIONS_KEPT, isInterpreted, pollShares, questionsInOrder } from './classroom-state';

const question = (id: number, more: Partial<Question> = {}): Question =>
  ({ id, peer: 'p', name: 'P', text: `q${id}`, at: new Date(0), votes: 0, state: 'open', ...more });
const poll = (id: number, more: Partial<Poll> = {}): Poll => ({
  id, text: 't', options: ['a', 'b'], is_multiple: false, is_anonymous: true, results: 'live', state: 'open', voters: 0, votes: [0, 0], ...more,
});
const room = (more: Partial<Classroom>): Classroom => ({ ...PLAIN_CLASSROOM, ...more });

test('a question comes, changes, and is gone for who may not see hidden ones', () => {
  const one = applyClassroomEvent(room({}), { type: 'question', question: question(1) });
  assert.equal(one.questions?.length, 1);
  const answered = applyClassroomEvent(room(one), { type: 'question', question: question(1, { state: 'answered' }) });
  assert.deepEqual(answered.questions?.map((each) => each.state), ['answered']);
  assert.deepEqual(applyClassroomEvent(room(one), { type: 'question', question: { id: 1, state: 'hidden' } }).questions, []);
});

test('open questions stand by votes, then by age; answered and hidden ones after them', () => {
  const order = questionsInOrder([
    question(1, { state: 'hidden', votes: 9 }), question(2, { state: 'answered', votes: 8 }), question(3, { votes: 1 }),
    question(4, { votes: 3 }), question(5, { votes: 1 }),
  ]).map((one) => one.id);
  assert.deepEqual(order, [4, 3, 5, 2, 1]);
});

test('counts of votes change what is there and nothing else', () => {
  const before = room({ questions: [question(1), question(2)], polls: [poll(7)] });
  const after = applyClassroomMessage(before, {
    kind: 'votes', questions: [{ id: 2, votes: 5 }], polls: [{ id: 7, voters: 3, votes: [2, 1] }, { id: 99, voters: 1, votes: null }],
  });
  assert.deepEqual(after.questions?.map((one) => one.votes), [0, 5]);
  assert.deepEqual(after.polls?.map((one) => [one.voters, one.votes]), [[3, [2, 1]]]);
});

test('shares are of those who voted; of nobody they are nothing; untold ones are null', () => {
  assert.deepEqual(pollShares(poll(1, { voters: 3, votes: [2, 1] })), [67, 33]);
  assert.deepEqual(pollShares(poll(1)), [0, 0]);
  assert.equal(pollShares(poll(1, { votes: null })), null);
  assert.deepEqual(pollShares(poll(1, { is_multiple: true, voters: 2, votes: [2, 2] })), [100, 100]);
});

test('a page turn keeps the decks, and captions are kept up to a number', () => {
  const slides = { decks: [{ id: 'd', name: 'n', state: 'ready' as const, pages: 3, reason: null }], deck: 'd', page: 1 };
  assert.deepEqual(applyClassroomEvent(room({ slides }), { type: 'page', deck: 'd', page: 2 }).slides, { ...slides, page: 2 });
  let captions: Classroom['captions'] = [];
  for (let id = 0; id < CAPTIONS_KEPT + 5; id++) {
    captions = applyClassroomEvent(room({ captions }), { type: 'caption', caption: { id, peer: 'p', language: 'en', text: 'x' } }).captions ?? [];
  }
  assert.equal(captions.length, CAPTIONS_KEPT);
  assert.equal(captions[0]?.id, 5);
});

test('a channel is an interpretation only while somebody is on air', () => {
  const channels = [
    { channel: 'floor', listeners: 1, interpreters: [], on_air: null },
    { channel: 'ja', listeners: 1, interpreters: ['y'], on_air: 'y' },
    { channel: 'en', listeners: 0, interpreters: ['z'], on_air: null },
  ];
  assert.equal(isInterpreted(room({ channels }), 'ja'), true);
  assert.equal(isInterpreted(room({ channels }), 'en'), false);
  assert.equal(isInterpreted(room({ channels }), 'floor'), false);
});
