/** Runs the test of a server, step by step; a step is told as soon as it is known, and the first that fails is the last. */

import {SaysoClient, type ClientConfig} from '@sayso/client';
import {keyFinding, reachFinding, sessionFinding, type Finding, type SessionEnd} from '../model/probe.ts';
import {isThisDevice, otherScheme, type ServerEntry} from '../model/server-address.ts';
import {ask, DEADLINE_MS, type Fetch} from './server-api.ts';

export interface ProbeConfig {
  fetch: Fetch;
  WebSocket?: ClientConfig['WebSocket'];
  isOnline: boolean;
}

/** What React Native's fetch says of every failure; a WebSocket says more. */
const WORDLESS = /^(?:network request failed|failed to fetch|load failed|fetch failed)\b/i;

export async function probe(server: ServerEntry, config: ProbeConfig, onFinding: (finding: Finding) => void): Promise<void> {
  const reach = await reached(server, config);
  onFinding(reach);
  if (reach.problem !== undefined) return;
  const key = keyFinding(await ask(config.fetch, server, 'api/commands'), server.key !== undefined);
  onFinding(key);
  if (key.problem !== undefined) return;
  onFinding(sessionFinding(await sessionEnd(server, config)));
}

async function reached(server: ServerEntry, config: ProbeConfig): Promise<Finding> {
  const {url} = server;
  const facts = {isSecure: url.startsWith('wss:'), isThisDevice: isThisDevice(url), isOnline: config.isOnline};
  const answer = await ask(config.fetch, {url, key: undefined}, 'health');
  if (!('failed' in answer)) return reachFinding({...facts, answer, other: undefined});
  const other = await ask(config.fetch, {url: otherScheme(url), key: undefined}, 'health', DEADLINE_MS / 2);
  const end = WORDLESS.test(answer.failed) ? await sessionEnd(server, config) : undefined;
  const said = end !== undefined && 'reason' in end && end.reason !== '' ? end.reason : answer.failed;
  return reachFinding({...facts, answer: {failed: said}, other});
}

/** Open a session, and end it at once. */
function sessionEnd({url, key}: ServerEntry, {WebSocket}: ProbeConfig): Promise<SessionEnd> {
  const client = new SaysoClient({
    url,
    options: {client_id: 'phone test', capabilities: ['tools']},
    ...(key === undefined ? {} : {key}),
    ...(WebSocket === undefined ? {} : {WebSocket}),
  });
  return new Promise((resolve) => {
    const end = (found: SessionEnd) => {
      resolve(found);
      client.close();
    };
    client.on('connection_accepted', ({protocol, server: {version}}) => end({protocol, version}));
    const stop = client.on('connection_state', (state) => {
      if (state.phase !== 'waiting' && state.phase !== 'closed') return;
      stop();
      end({code: state.code, reason: state.reason});
    });
    client.connect();
  });
}
