// Looks at what `expo prebuild` has made of app.json: node check-native.mjs. It ends with 1 and says what is missing.
//
// Nothing here is compiled: this finds a permission, a service or a sentence that got lost on the way to Android Studio or Xcode.
import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const MAIN = join(HERE, 'android', 'app', 'src', 'main');
const manifest = readFileSync(join(MAIN, 'AndroidManifest.xml'), 'utf8');
const plist = readFileSync(join(HERE, 'ios', 'sayso', 'Info.plist'), 'utf8');
const network = join(MAIN, 'res', 'xml', 'network_security_config.xml');
const faults = [];
const expect = (what, isSo) => isSo || faults.push(what);

const permissions = [...manifest.matchAll(/<uses-permission android:name="android\.permission\.(\w+)"(?![^>]*tools:node="remove")/g)].map(([, name]) => name);
const removed = [...manifest.matchAll(/<uses-permission android:name="android\.permission\.(\w+)"[^>]*tools:node="remove"/g)].map(([, name]) => name);
const WANTED = [
  'CAMERA', 'FOREGROUND_SERVICE', 'FOREGROUND_SERVICE_MEDIA_PLAYBACK', 'FOREGROUND_SERVICE_MICROPHONE', 'INTERNET', 'MODIFY_AUDIO_SETTINGS',
  'POST_NOTIFICATIONS', 'RECORD_AUDIO', 'VIBRATE',
];
expect(`permissions ${WANTED}, not ${permissions.toSorted()}`, `${permissions.toSorted()}` === `${WANTED}`);
for (const name of ['SYSTEM_ALERT_WINDOW', 'READ_EXTERNAL_STORAGE', 'WRITE_EXTERNAL_STORAGE']) expect(`${name} removed`, removed.includes(name));

const service = /<service[^>]*CentralizedForegroundService[^>]*>/.exec(manifest)?.[0] ?? '';
expect('a foreground service for microphone and playback', service.includes('android:foregroundServiceType="microphone|mediaPlayback"'));
expect('a service that ends with the app', service.includes('android:stopWithTask="true"'));
expect('links that begin with sayso:', manifest.includes('<data android:scheme="sayso"/>'));
expect('no backup of the key to other phones', manifest.includes('android:allowBackup="false"'));
expect('the network configuration', manifest.includes('android:networkSecurityConfig="@xml/network_security_config"') && existsSync(network));
const config = existsSync(network) ? readFileSync(network, 'utf8') : '';
expect('servers without TLS, and certificates of the user', config.includes('cleartextTrafficPermitted="true"') && config.includes('src="user"'));

const values = new Map([...plist.matchAll(/<key>(\w+)<\/key>\s*<(?:string>([^<]*)|(true|false))/g)].map(([, name, text, flag]) => [name, text ?? flag]));
for (const name of ['NSMicrophoneUsageDescription', 'NSCameraUsageDescription', 'NSLocalNetworkUsageDescription']) {
  expect(`${name} in words`, (values.get(name) ?? '').startsWith('sayso '));
}
expect('NSAllowsLocalNetworking', values.get('NSAllowsLocalNetworking') === 'true');
expect('no NSAllowsArbitraryLoads', values.get('NSAllowsArbitraryLoads') !== 'true');
expect('audio in the background', /<key>UIBackgroundModes<\/key>\s*<array>\s*<string>audio<\/string>\s*<\/array>/.test(plist));
expect('links that begin with sayso:, on iOS', /<key>CFBundleURLSchemes<\/key>\s*<array>\s*<string>sayso<\/string>/.test(plist));
expect('no use of Face ID', !values.has('NSFaceIDUsageDescription'));
for (const [, language] of plist.matchAll(/<string>(en|de)<\/string>/g)) values.set(`language ${language}`, 'true');
expect('English and German', values.has('language en') && values.has('language de'));

console.log(faults.length === 0 ? 'the manifest and Info.plist have what the app needs' : faults.map((fault) => `missing: ${fault}`).join('\n'));
process.exitCode = faults.length === 0 ? 0 : 1;
