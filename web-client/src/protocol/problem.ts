/** The code of an `application/problem+json` body, or one that fits the status. */
export function problemCode(body: string, status: number): string {
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem === 'object' && problem !== null && 'code' in problem && typeof problem.code === 'string') return problem.code;
  } catch {
    // not JSON: a proxy's own error page
  }
  return status === 413 ? 'too-large' : status === 429 ? 'too-many' : 'failed';
}
