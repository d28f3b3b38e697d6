/** Requests to the server over HTTP: each has a deadline, and ends in an answer or in words, never in an exception. */

import type {Answer} from '../model/probe.ts';
import {pageUrl, type ServerEntry} from '../model/server-address.ts';

export const DEADLINE_MS = 8_000;

export type Fetch = typeof fetch;

/** Ask for a path beside the WebSocket; a body that is no JSON is `undefined`. */
export async function ask(
  request: Fetch,
  {url, key}: Pick<ServerEntry, 'url' | 'key'>,
  path: string,
  deadlineMs = DEADLINE_MS,
): Promise<Answer> {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => {
      abort.abort();
      resolve({failed: `timed out after ${deadlineMs / 1_000} s`});
    }, deadlineMs);
  });
  const headers = key === undefined ? {} : {authorization: `Bearer ${key}`};
  try {
    return await Promise.race([late, answered(request(pageUrl(url, path), {headers, cache: 'no-store', signal: abort.signal}))]);
  } catch (error) {
    return {failed: error instanceof Error ? error.message : String(error)};
  } finally {
    clearTimeout(timer);
  }
}

async function answered(response: Promise<Response>): Promise<Answer> {
  const {status, ...rest} = await response.then(async (one) => ({status: one.status, text: await one.text()}));
  try {
    return {status, body: JSON.parse(rest.text) as unknown};
  } catch {
    return {status, body: undefined};
  }
}
