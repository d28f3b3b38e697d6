// Writes src/events.ts from schema.json (`sayso schema`): node generate.mjs schema.json src/events.ts
//
// One interface for each class of the server, and two tables from the names on the wire to these.
import {readFileSync, writeFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const HEADER = `// Generated from \`sayso schema\` by generate.mjs: do not edit, run \`npm run generate\`.
`;

const nameOf = (reference) => reference.slice(reference.lastIndexOf('/') + 1);

/** Return the TypeScript type of a JSON Schema. */
function typeOf(schema) {
  if (schema.$ref !== undefined) return nameOf(schema.$ref);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value).replaceAll('"', "'")).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' | ');
  if (schema.type === 'array') {
    const items = typeOf(schema.items);
    return items.includes('|') ? `(${items})[]` : `${items}[]`;
  }
  const plain = {string: 'string', integer: 'number', number: 'number', boolean: 'boolean', object: 'Record<string, unknown>'};
  const found = plain[schema.type];
  if (found === undefined) throw new Error(`no type for ${JSON.stringify(schema)}`);
  return found;
}

function interfaceOf(name, schema) {
  const comment = schema.description?.replaceAll('``', '`').replaceAll(/\s+/g, ' ').trim();
  const fields = Object.entries(schema.properties).map(
    ([field, kind]) => `  ${field}${schema.required.includes(field) ? '' : '?'}: ${typeOf(kind)};\n`,
  );
  const body = fields.length === 0 ? `export type ${name} = Record<string, never>;\n` : `export interface ${name} {\n${fields.join('')}}\n`;
  return (comment === undefined ? '' : `/** ${comment} */\n`) + body;
}

function tableOf(name, comment, frames) {
  const rows = frames.oneOf.map(({properties}) => `  ${properties.type.const}: ${nameOf(properties.data.$ref)};\n`);
  return `/** ${comment} */\nexport interface ${name} {\n${rows.join('')}}\n`;
}

/** Return the text of src/events.ts. */
export function generated(schema) {
  const {ClientFrame, ServerFrame, ...classes} = schema.$defs;
  return [
    HEADER,
    ...Object.entries(classes).map(([name, one]) => interfaceOf(name, one)),
    tableOf('ClientEvents', 'What a client may send: the data of each event by its name on the wire.', ClientFrame),
    tableOf('ServerEvents', 'What the server sends: the data of each event by its name on the wire.', ServerFrame),
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [source, target] = process.argv.slice(2);
  writeFileSync(target, generated(JSON.parse(readFileSync(source, 'utf8'))));
}
