export type LineGrade = 'good' | 'fair' | 'poor';

/** By what people notice: from 400 ms on they talk over each other; from 5 % loss on syllables go missing. */
export function gradeOf(roundTripMs: number, lossPercent: number): LineGrade {
  if (roundTripMs > 800 || lossPercent > 10) return 'poor';
  if (roundTripMs > 400 || lossPercent > 4) return 'fair';
  return 'good';
}
