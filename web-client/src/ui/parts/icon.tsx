/** Own line icons on a 24 x 24 grid. Decoration only: the text beside them, or the button's label, is the name. */
import type { JSX } from 'preact';

export function Icon({ path, size = 24, fill = false }: { path: string; size?: number; fill?: boolean }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={path} fill={fill ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.8"
        stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export const icons = {
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.300 15.300 20 20',
  close: 'M6 6l12 12M18 6 6 18',
  play: 'M8 5.500v13l10.500-6.500z',
  clock: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2',
  place: 'M12 21c4.500-4.700 6.700-8 6.700-11A6.700 6.700 0 0 0 5.300 10c0 3 2.200 6.300 6.700 11zM12 7.800a2.300 2.300 0 1 0 0 4.600 2.300 2.300 0 0 0 0-4.600z',
  language: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM3.500 12h17M12 3.500c2.400 2.300 3.600 5.100 3.600 8.500s-1.200 6.200-3.600 8.500c-2.400-2.300-3.600-5.100-3.600-8.500S9.600 5.800 12 3.500z',
  calendar: 'M5 5.500h14a1 1 0 0 1 1 1V19a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6.500a1 1 0 0 1 1-1zM4 10h16M8.500 3.500v4M15.500 3.500v4',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  back: 'M19 12H5M11 6l-6 6 6 6',
  warning: 'M12 4 2.800 19.500h18.400zM12 10v4.500M12 17.100v.2',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  info: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 11v5.500M12 7.800v.2',
  audio: 'M5 9.500v5h3.500l4.500 4v-13l-4.500 4zM16.500 9a4.200 4.200 0 0 1 0 6',
  offline: 'M4 4l16 16M8.500 15.500a5 5 0 0 1 5.200-1.200M5.200 12.200a9.700 9.700 0 0 1 4.300-2.500M13.700 9.300a9.700 9.700 0 0 1 5.100 2.900M12 19v.1',
} as const;

/** One drawing for each thematic area. */
const areaPaths: Readonly<Record<string, string>> = {
  'urban-planning': 'M4 6.500 9.500 4l5 2.500L20 4v13.500L14.500 20l-5-2.500L4 20zM9.500 4v13.500M14.500 6.500V20',
  'urban-services': 'M12 3.500c3.700 4.300 5.500 7.500 5.500 10a5.500 5.500 0 0 1-11 0c0-2.500 1.800-5.700 5.500-10zM9.500 14a2.600 2.600 0 0 0 2.500 2.600',
  'urban-management': 'M4 20h16M6 20V9l6-4.500L18 9v11M9.500 20v-4.500h5V20M9.500 11.500h.1M14.400 11.500h.1',
  'social-development': 'M8.500 5.500a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400zM3.500 19c0-3 2.200-5 5-5s5 2 5 5M16 7.500a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400zM16.200 14.500c2.500 0 4.300 1.700 4.300 4.500',
  'disaster-risk-management': 'M12 3.500l7.500 2.800v5.200c0 4.300-2.900 7.500-7.500 9-4.600-1.500-7.500-4.700-7.500-9V6.300zM7.800 13c1.400-1.200 2.800-1.200 4.200 0s2.800 1.200 4.200 0',
  'municipal-finance': 'M4.500 20h15M6 17V10M10 17V6.500M14 17v-4.500M18 17V8.500M4.500 6l4-2.500',
};

export function AreaIcon({ code, size = 28 }: { code: string; size?: number }): JSX.Element {
  return <Icon path={areaPaths[code] ?? icons.info} size={size} />;
}
