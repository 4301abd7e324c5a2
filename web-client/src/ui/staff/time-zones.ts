/** Every zone the browser knows; Japan's first. Old browsers: the zone in use and UTC. */
export function timeZones(current: string): string[] {
  const known = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : ['UTC'];
  return [...new Set(['Asia/Tokyo', current, ...known])];
}
