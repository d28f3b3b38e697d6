jest.mock('react-native-safe-area-context', () => jest.requireActual('react-native-safe-area-context/jest/mock').default);
jest.mock('react-native-audio-api', () => jest.requireActual('react-native-audio-api/mock'));
jest.mock('expo-keep-awake', () => ({activateKeepAwakeAsync: jest.fn(async () => undefined), deactivateKeepAwake: jest.fn(async () => undefined)}));
