/** The app's few drawings; each is decoration beside a word. The paths are the page's where it has them. */

import Svg, {Path} from 'react-native-svg';

const PATHS = {
  microphone: ['M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3z', 'M6 11a6 6 0 0 0 12 0', 'M12 17v4'],
  stop: ['M7 7h10v10H7z'],
  send: ['M5 12h14', 'M13 6l6 6-6 6'],
  talk: ['M4 5h16v11H10l-5 4v-4H4z'],
  history: ['M4 12a8 8 0 1 0 2.500-5.800', 'M4 4v4h4', 'M12 8v4.500l3 2'],
  commands: ['M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400', 'M12 18h.01'],
  server: ['M4 5h16v6H4z', 'M4 13h16v6H4z', 'M8 8h.01', 'M8 16h.01'],
  settings: ['M4 7h10', 'M18 7h2', 'M4 17h2', 'M10 17h10', 'M16 5v4', 'M8 15v4'],
  code: ['M4 4h6v6H4z', 'M14 4h6v6h-6z', 'M4 14h6v6H4z', 'M14 14h2v2', 'M20 14v.01', 'M14 20h.01', 'M18 18h2v2'],
  good: ['M5 12.500l4.500 4.500L19 7.500'],
  bad: ['M6 6l12 12', 'M18 6L6 18'],
  open: ['M12 12h.01'],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({name, colour, size = 24}: {name: IconName; colour: string; size?: number}) {
  return (
    <Svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke={colour}
      strokeWidth={2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden>
      {PATHS[name].map((path) => (
        <Path key={path} d={path} />
      ))}
    </Svg>
  );
}
