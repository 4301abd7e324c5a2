/** Questions to the city, beside a film and where they are answered. */
import { defineTexts } from './texts';

const en = {
  'questions.title': 'Questions to the city',
  'questions.what': 'Ask the city about this film. Your question is read by staff first; it appears here with its answer.',
  'questions.text': 'Your question',
  'questions.name': 'Name (shown with the question; may be empty)',
  'questions.send': 'Send the question',
  'questions.sent': 'Thank you. Your question has been passed on; it appears here when it is answered.',
  'questions.too-short': 'Write your question first.',
  'questions.somebody': 'Somebody',
  'questions.asked': '{name} asked on {date}:',
  'questions.answer': 'Answer',
  'questions.manage': 'Questions from the audience',
  'questions.manage-none': 'Nobody has asked anything yet.',
  'questions.answer-en': 'Answer in English',
  'questions.answer-ja': 'Answer in Japanese',
  'questions.show': 'Save the answer and show it',
  'questions.keep': 'Save the answer',
  'questions.hide': 'Hide',
  'questions.state-open': 'Waits for an answer',
  'questions.state-shown': 'Shown',
  'questions.state-hidden': 'Hidden',
  'questions.need-answer': 'A question is shown with its answer only.',
  'questions.saved': 'Saved.',
} as const;

const ja: Record<keyof typeof en, string> = {
  'questions.title': '都市への質問',
  'questions.what': 'この映像について都市に質問できます。質問はまず担当者が確認し、回答とともにここに表示されます。',
  'questions.text': '質問',
  'questions.name': 'お名前（質問とともに表示されます。空欄でもかまいません）',
  'questions.send': '質問を送る',
  'questions.sent': 'ありがとうございます。質問をお預かりしました。回答があるとここに表示されます。',
  'questions.too-short': '先に質問を入力してください。',
  'questions.somebody': '匿名の方',
  'questions.asked': '{name}さんの質問（{date}）：',
  'questions.answer': '回答',
  'questions.manage': '視聴者からの質問',
  'questions.manage-none': 'まだ質問はありません。',
  'questions.answer-en': '英語の回答',
  'questions.answer-ja': '日本語の回答',
  'questions.show': '回答を保存して表示する',
  'questions.keep': '回答を保存',
  'questions.hide': '表示しない',
  'questions.state-open': '回答待ち',
  'questions.state-shown': '表示中',
  'questions.state-hidden': '非表示',
  'questions.need-answer': '回答がない質問は表示できません。',
  'questions.saved': '保存しました。',
};

export const t = defineTexts(en, ja);
