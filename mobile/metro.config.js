// The client's sources and the page's sentences lie outside this folder; the browser loads the client's worklets, compiled, from public/.
const {cpSync} = require('node:fs');
const path = require('node:path');
const {getDefaultConfig} = require('expo/metro-config');

const ROOT = path.resolve(__dirname, '..');
const CLIENT = path.join(ROOT, 'clients', 'typescript');
cpSync(path.join(ROOT, 'web', 'client', 'worklets'), path.join(__dirname, 'public', 'worklets'), {recursive: true});

const config = getDefaultConfig(__dirname);
config.watchFolders = [CLIENT, path.join(ROOT, 'web', 'talk', 'texts')];
config.resolver.nodeModulesPaths = [path.join(__dirname, 'node_modules')];
config.resolver.blockList = [new RegExp(`^${CLIENT.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}/(node_modules|dist)/.*`)];
module.exports = config;
