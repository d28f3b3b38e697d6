export * from './client.js';
export * from './reconnection.js';
export { SentAudio } from './sent-audio.js';
