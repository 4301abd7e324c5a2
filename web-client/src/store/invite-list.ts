/** People to invite, as somebody pastes them: one a line, `Name <address>`, `Name, address`, or an address alone. */

export interface Invited {
  name: string;
  address: string;
}

/** The server says what an address is; this only finds it. */
const ADDRESS = /^[^\s<>,;@]+@[^\s<>,;@]+\.[^\s<>,;@]+$/;
export const PEOPLE_MAX = 50;

function parseLine(line: string): Invited | null {
  const parts = /^(.*?)[\s,;]*<([^<>]*)>$/.exec(line) ?? /^(.*?)[\s,;\t]+(\S+)$/.exec(line) ?? ['', '', line];
  const address = (parts[2] ?? '').trim();
  const name = (parts[1] ?? '').trim().replace(/^"(.*)"$/, '$1').trim();
  return ADDRESS.test(address) ? { name: name === '' ? address.slice(0, address.indexOf('@')) : name, address } : null;
}

export function parsePeople(text: string): { people: Invited[]; wrong: string[] } {
  const people = new Map<string, Invited>();
  const wrong: string[] = [];
  for (const line of text.split(/\r?\n/).map((one) => one.normalize('NFC').trim()).filter((one) => one !== '')) {
    const person = parseLine(line);
    if (person === null) wrong.push(line);
    else people.set(person.address.toLowerCase(), people.get(person.address.toLowerCase()) ?? person);
  }
  return { people: [...people.values()], wrong };
}
