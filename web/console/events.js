/** Server-Sent Events out of the pieces of a response, so that a key can go along in a header. Pure. */

export class EventParser {
  #rest = '';

  /** Take a piece of the stream; return the whole events in it as [{event, data}]. */
  push(text) {
    const blocks = (this.#rest + text.replaceAll('\r', '')).split('\n\n');
    this.#rest = blocks.pop();
    return blocks.map(eventOf).filter(({data}) => data !== '');
  }
}

function eventOf(block) {
  const lines = block.split('\n');
  const values = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
  return {event: values('event')[0] ?? 'message', data: values('data').join('\n')};
}
