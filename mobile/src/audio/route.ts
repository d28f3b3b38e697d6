/** Where the sound comes out, from the names of a phone's outputs. Pure. */

import type {AudioRoute} from '../model/duplex.ts';

/** Categories of AVAudioSession's ports on iOS, and of AudioDeviceInfo's types on Android, as react-native-audio-api names them. */
const HEADPHONES = /head(?:phone|set)|bluetooth|usb headset|hearing|airpods|BLE/i;
const LOUDSPEAKER = /speaker|earpiece|receiver/i;

export interface OutputDevice {
  name: string;
  category: string;
}

/** `current` is known on iOS only; elsewhere a phone plays on headphones as soon as there are any. */
export function routeOf(current: readonly OutputDevice[], available: readonly OutputDevice[]): AudioRoute {
  const outputs = (current.length > 0 ? current : available).map(({category, name}) => `${category} ${name}`);
  if (outputs.some((output) => HEADPHONES.test(output))) return 'headphones';
  return outputs.some((output) => LOUDSPEAKER.test(output)) ? 'loudspeaker' : 'unknown';
}
