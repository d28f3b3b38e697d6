export const NORMAL = 1000;
export const MISTAKE = 1008;
export const RESTARTED = 1012;
export const TRY_LATER = 1013;
export const AWAY = 4000;
export const BAD_KEY = 4001;
export const IDLE = 4008;
export const REPLACED = 4090;
export const BY_CLOSE_CODE = {
    [NORMAL]: 'never',
    1001: 'soon',
    1002: 'never',
    1005: 'soon',
    1006: 'soon',
    1007: 'never',
    [MISTAKE]: 'never',
    1009: 'never',
    1011: 'soon',
    [RESTARTED]: 'as told',
    [TRY_LATER]: 'as told',
    [AWAY]: 'soon',
    [BAD_KEY]: 'never',
    4029: 'as told',
    [IDLE]: 'never',
    [REPLACED]: 'never',
    4100: 'soon',
};
export const DEFAULT_POLICY = { firstMs: 500, longestMs: 20_000, restartMs: [5_000, 30_000], stableMs: 10_000 };
export function waitMs(code, retryAfterMs, tries, random, policy = DEFAULT_POLICY) {
    if ((BY_CLOSE_CODE[code] ?? 'never') === 'never')
        return undefined;
    const jitterMs = random() * Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(tries, 16));
    if (retryAfterMs !== undefined)
        return retryAfterMs + jitterMs;
    const [least, most] = policy.restartMs;
    return code === RESTARTED ? least + random() * (most - least) : jitterMs;
}
